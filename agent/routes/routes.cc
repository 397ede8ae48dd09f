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
  auto found = services_.find(service);
  if (found == services_.end()) {
    if (!learn) return {Outcome::Unknown, {}};
    if (services_.size() >= kMaxRouteServices) return {Outcome::Full, {}};
    found = services_.try_emplace(std::string(service), max_routes_).first;
  }
  return (serves ? found->second.served : found->second.called).find(path, learn);
}

}  // namespace clew
