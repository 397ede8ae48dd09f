#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "agent/config/keys.h"
#include "agent/config/load.h"

namespace clew {
namespace {

using Form = ConfigKey::Form;

// Keys of list items and of export targets have no place in the defaults: they appear commented
// out. One '#' in the first column marks them; explanations have "# ".
bool is_commented_out(const ConfigKey& key) {
  return key.path.starts_with("select.") || key.path.starts_with("export.");
}

size_t depth_of(const ConfigKey& key) {
  return static_cast<size_t>(std::ranges::count(key.path, '.'));
}

bool has_keys_below(const ConfigKey& key) {
  return key.form == Form::Section || key.form == Form::Rules || key.form == Form::Targets;
}

void write_key(std::string& out, const ConfigKey& key) {
  const std::string_view mark = is_commented_out(key) ? "#" : "";
  const std::string indent(depth_of(key) * 2, ' ');
  const std::string_view value = key.fallback.empty() ? key.example : key.fallback;
  const bool is_rule_key = key.parent() == "select";
  // Each matcher is shown as a rule of its own, `service` as part of the one before it.
  const std::string_view bullet = !is_rule_key ? "" : (key.name() == "service" ? "  " : "- ");
  fmt::format_to(std::back_inserter(out), "{}{}# {} ({})\n", mark, indent, key.summary, key.type);
  fmt::format_to(std::back_inserter(out), "{}{}{}{}:{}{}\n", mark, indent, bullet, key.name(),
                 has_keys_below(key) ? "" : " ", has_keys_below(key) ? "" : value);
}

}  // namespace

std::string default_config_yaml() {
  std::string out = "# clew's configuration: every key with its default.\n";
  for (const ConfigKey& key : config_keys()) {
    if (key.form == Form::Later) continue;
    if (key.parent().empty()) out += '\n';
    write_key(out, key);
  }
  return out;
}

}  // namespace clew
