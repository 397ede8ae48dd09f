#include "probes/selection.h"

#include <fnmatch.h>

#include <algorithm>

namespace clew {

bool matches_executable(std::string_view pattern, std::string_view path) {
  if (path.empty()) return false;
  if (pattern.find('/') == std::string_view::npos) path.remove_prefix(path.rfind('/') + 1);
  return fnmatch(std::string(pattern).c_str(), std::string(path).c_str(), 0) == 0;
}

const SelectRule* Selection::match(const ProcessInfo& process) const {
  for (const auto& rule : rules_) {
    switch (rule.kind) {
      case SelectRule::Kind::All:
        return &rule;
      case SelectRule::Kind::Pid:
        if (rule.pid == process.pid) return &rule;
        break;
      case SelectRule::Kind::Exe:
        if (matches_executable(rule.pattern, process.executable)) return &rule;
        break;
      case SelectRule::Kind::Container:
        if (!rule.pattern.empty() && process.container_id.starts_with(rule.pattern)) return &rule;
        break;
      case SelectRule::Kind::Port:
        break;
    }
  }
  return nullptr;
}

const SelectRule* Selection::match_port(uint16_t port) const {
  const auto found = std::ranges::find_if(rules_, [port](const SelectRule& rule) {
    return rule.kind == SelectRule::Kind::Port && port >= rule.port_first && port <= rule.port_last;
  });
  return found == rules_.end() ? nullptr : &*found;
}

bool Selection::selects_all() const {
  return std::ranges::any_of(
      rules_, [](const SelectRule& rule) { return rule.kind == SelectRule::Kind::All; });
}

bool Selection::judges_executables() const {
  return std::ranges::any_of(rules_, [](const SelectRule& rule) {
    return rule.kind == SelectRule::Kind::Exe || rule.kind == SelectRule::Kind::Container;
  });
}

std::vector<clew_port_range> Selection::ports() const {
  std::vector<clew_port_range> ranges;
  for (const auto& rule : rules_) {
    if (rule.kind == SelectRule::Kind::Port) ranges.push_back({rule.port_first, rule.port_last});
  }
  return ranges;
}

}  // namespace clew
