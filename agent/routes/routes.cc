#include "agent/routes/routes.h"

#include <utility>

namespace clew {

Routes::Routes(const RouteSettings& settings)
    : infer_(settings.infer),
      client_templates_(settings.client_templates),
      max_routes_(settings.max_routes) {
  for (const std::string& text : settings.patterns) {
    if (auto pattern = RoutePattern::parse(text)) patterns_.push_back(*std::move(pattern));
  }
}

RouteTable::Found Routes::find(std::string_view service, bool serves, std::string_view path,
                               bool learn) {
  using Outcome = RouteTable::Outcome;
  for (const RoutePattern& pattern : patterns_) {
    if (pattern.matches(path)) return {Outcome::Known, pattern.text()};
  }
  if (!infer_) return {Outcome::Unknown, {}};
  Service* found = find_service(service);
  if (found == nullptr) {
    if (!learn) return {Outcome::Unknown, {}};
    if (services_.size() >= kMaxRouteServices) return {Outcome::Full, {}};
    auto added = std::make_unique<Service>(service, max_routes_);
    found = services_.emplace(service, std::move(added)).first->second.get();
  }
  return (serves ? found->served : found->called).find(path, learn);
}

Routes::Service* Routes::find_service(std::string_view name) {
  if (latest_ != nullptr && latest_->name == name) return latest_;
  const auto found = services_.find(name);
  if (found != services_.end()) latest_ = found->second.get();
  return found == services_.end() ? nullptr : latest_;
}

}  // namespace clew
