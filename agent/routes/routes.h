// Names for what services are asked for: the user's own routes, else templates learned from paths.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/routes/pattern.h"
#include "agent/routes/route_table.h"

namespace clew {

struct RouteSettings {
  std::vector<std::string> patterns;  ///< valid ones: RoutePattern::parse() takes them
  bool infer = true;                  ///< from paths, where no pattern matches
  bool client_templates = false;      ///< url.template on client spans
  size_t max_routes = 500;            ///< learned per service

  bool operator==(const RouteSettings&) const = default;
};

/// Services with routes of their own.
constexpr size_t kMaxRouteServices = 1024;

class Routes {
 public:
  explicit Routes(const RouteSettings& settings);

  /// `serves` keeps the routes a service offers apart from those it calls. The first pattern that
  /// matches wins. The view is valid until the next call.
  RouteTable::Found find(std::string_view service, bool serves, std::string_view path, bool learn);

  bool names_clients() const { return client_templates_; }

 private:
  struct Service {
    Service(std::string_view its_name, size_t max_routes)
        : name(its_name), served(max_routes), called(max_routes) {}
    std::string name;
    RouteTable served, called;
  };

  Service* find_service(std::string_view name);

  std::vector<RoutePattern> patterns_;
  bool infer_, client_templates_;
  size_t max_routes_;
  TextMap<std::unique_ptr<Service>> services_;
  Service* latest_ = nullptr;  // that was asked for
};

}  // namespace clew
