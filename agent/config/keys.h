// Every key of the configuration file, once: validation, `clew config defaults` and the check of
// docs/configuration.md are all driven by this table.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "agent/config/config.h"
#include "agent/config/values.h"

namespace clew {

/// What a loader has read so far: the finished parts, and the list item it is in.
struct ConfigDraft {
  Config config;
  SelectRule rule;
  int rule_matchers = 0;  ///< keys in `rule` that say what is matched
  ExportTarget target;
};

struct ConfigKey {
  enum class Form : uint8_t {
    Later,    ///< a section of a later version
    Section,  ///< a map of the keys below it
    Rules,    ///< a list of maps of the keys below it, each a SelectRule
    Targets,  ///< a map of the keys below it or a list of such maps, each an ExportTarget
    Switch,   ///< true, false, or {} for true: an ExportTarget without keys
    Scalar,
    Texts,  ///< a list of texts
    Pairs,  ///< a map of free names to texts
  };
  std::string_view path = {};  ///< dotted; a list's items do not count as a level
  Form form = Form::Scalar;
  std::string_view type = {};      ///< for people
  std::string_view fallback = {};  ///< the default as YAML; empty: there is none
  std::string_view example = {};   ///< where there is no default: a value that may stand there
  std::string_view summary = {};   ///< one line
  /// Scalar: takes the value. Pairs: takes one pair. Texts: takes one
  /// item; is called with no name before the first, to begin the list. Targets, Switch: begins the
  /// target. Rules: begins the rule.
  Parsed<void> (*apply)(ConfigDraft& draft, std::string_view name,
                        std::string_view value) = nullptr;

  std::string_view name() const;    ///< the last part of the path
  std::string_view parent() const;  ///< the path without its last part
};

/// In the order in which they are printed; a key stands after its parent.
std::span<const ConfigKey> config_keys();

/// Null if there is none.
const ConfigKey* find_config_key(std::string_view path);

}  // namespace clew
