#include "agent/config/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <tuple>
#include <utility>

#include "agent/config/document.h"
#include "agent/config/keys.h"
#include "agent/config/text.h"

namespace clew {
namespace {

using Form = ConfigKey::Form;
using Kind = YamlNode::Kind;

constexpr size_t kMaxErrors = 200;

class Reader {
 public:
  explicit Reader(std::vector<ConfigError>& errors) : errors_(errors) {}

  Config read(const YamlNode& root) {
    read_keys("", root);
    return std::move(draft_.config);
  }

 private:
  void report(int line, std::string message) { errors_.push_back({line, std::move(message)}); }

  void report_form(const ConfigKey& key, const YamlNode& node) {
    constexpr std::string_view kNames[] = {"nothing", "a single value", "a list", "a map"};
    report(node.line, fmt::format("{}: {} expected, this is {}", key.path, key.type,
                                  kNames[static_cast<size_t>(node.kind)]));
  }

  void report_unknown(std::string_view parent, const YamlEntry& entry) {
    std::vector<std::string_view> siblings;
    for (const ConfigKey& key : config_keys()) {
      if (key.parent() == parent && key.form != Form::Later) siblings.push_back(key.name());
    }
    const std::string_view meant = closest(entry.key, siblings);
    report(entry.line,
           fmt::format("unknown key {}{}", in_quotes(joined(parent, entry.key)),
                       meant.empty() ? "" : fmt::format(" (did you mean '{}'?)", meant)));
  }

  static std::string joined(std::string_view parent, std::string_view name) {
    return parent.empty() ? std::string(name) : fmt::format("{}.{}", parent, name);
  }

  // Reads the map `node` as the keys below `parent`; an empty section is fine.
  void read_keys(std::string_view parent, const YamlNode& node) {
    if (node.kind == Kind::Null) return;
    if (node.kind != Kind::Map) {
      report(node.line,
             fmt::format("{}: a map (key: value) expected", parent.empty() ? "the file" : parent));
      return;
    }
    for (const YamlEntry& entry : node.entries) {
      const bool has_dot = entry.key.find('.') != std::string::npos;
      const ConfigKey* key = has_dot ? nullptr : find_config_key(joined(parent, entry.key));
      if (key == nullptr) {
        report_unknown(parent, entry);
      } else {
        read_key(*key, entry);
      }
    }
  }

  void read_key(const ConfigKey& key, const YamlEntry& entry) {
    switch (key.form) {
      case Form::Later:
        report(entry.line, fmt::format("{}: not supported yet", key.path));
        break;
      case Form::Section:
        read_keys(key.path, entry.value);
        break;
      case Form::Rules:
        read_rules(key, entry.value);
        break;
      case Form::Targets:
        read_targets(key, entry.value);
        break;
      case Form::Switch:
        read_switch(key, entry.value);
        break;
      case Form::Scalar:
        if (entry.value.kind == Kind::Scalar) {
          apply(key, entry.value.line, entry.key, entry.value.text);
        } else {
          report_form(key, entry.value);
        }
        break;
      case Form::Texts:
        read_texts(key, entry.value);
        break;
      case Form::Pairs:
        read_pairs(key, entry.value);
        break;
    }
  }

  bool apply(const ConfigKey& key, int line, std::string_view name, std::string_view value) {
    const auto applied = key.apply(draft_, name, value);
    if (!applied) report(line, fmt::format("{}: {}", key.path, applied.error()));
    return applied.has_value();
  }

  void read_rules(const ConfigKey& key, const YamlNode& node) {
    if (node.kind == Kind::Null) return;
    if (node.kind != Kind::List) return report_form(key, node);
    for (const YamlNode& item : node.items) {
      if (!apply(key, item.line, {}, {})) continue;
      const size_t errors_before = errors_.size();
      read_keys(key.path, item);
      if (errors_.size() != errors_before) continue;
      if (draft_.rule_matchers != 1) {
        report(item.line, "select: a rule needs exactly one of exe, pid, port, container, all");
      }
      draft_.config.select.push_back(draft_.rule);
    }
  }

  void read_targets(const ConfigKey& key, const YamlNode& node) {
    if (node.kind == Kind::List) {
      for (const YamlNode& item : node.items) read_target(key, item);
    } else if (node.kind == Kind::Scalar) {
      report_form(key, node);
    } else {
      read_target(key, node);
    }
  }

  void read_target(const ConfigKey& key, const YamlNode& node) {
    apply(key, node.line, {}, {});
    const size_t errors_before = errors_.size();
    read_keys(key.path, node);
    if (errors_.size() != errors_before) return;
    const ExportTarget& target = draft_.target;
    if (target.kind == ExportTarget::Kind::File && target.path.empty()) {
      report(node.line, fmt::format("{}: path is missing", key.path));
    }
    if (target.otlp.client_certificate.empty() != target.otlp.client_key.empty()) {
      report(node.line, fmt::format("{}: client_certificate and client_key go together", key.path));
    }
    draft_.config.exports.push_back(target);
  }

  void read_switch(const ConfigKey& key, const YamlNode& node) {
    if (node.kind == Kind::List || (node.kind == Kind::Map && !node.entries.empty())) {
      return report_form(key, node);
    }
    if (node.kind == Kind::Scalar) {
      const auto on = parse_bool(node.text);
      if (!on) return report(node.line, fmt::format("{}: {}", key.path, on.error()));
      if (!*on) return;
    }
    apply(key, node.line, {}, {});
    draft_.config.exports.push_back(draft_.target);
  }

  void read_texts(const ConfigKey& key, const YamlNode& node) {
    if (node.kind == Kind::Null) return;
    if (node.kind != Kind::List) return report_form(key, node);
    apply(key, node.line, {}, {});
    for (const YamlNode& item : node.items) {
      if (item.kind == Kind::Scalar) {
        apply(key, item.line, key.name(), item.text);
      } else {
        report(item.line, fmt::format("{}: a list of single values expected", key.path));
      }
    }
  }

  void read_pairs(const ConfigKey& key, const YamlNode& node) {
    if (node.kind == Kind::Null) return;
    if (node.kind != Kind::Map) return report_form(key, node);
    for (const YamlEntry& entry : node.entries) {
      if (entry.value.kind == Kind::Scalar) {
        apply(key, entry.line, entry.key, entry.value.text);
      } else {
        report(entry.line, fmt::format("{}.{}: text expected", key.path, in_quotes(entry.key)));
      }
    }
  }

  std::vector<ConfigError>& errors_;
  ConfigDraft draft_;
};

std::vector<std::string> error_lines(std::string_view name, std::vector<ConfigError> errors) {
  std::ranges::sort(errors, [](const ConfigError& a, const ConfigError& b) {
    return std::tie(a.line, a.message) < std::tie(b.line, b.message);
  });
  std::vector<std::string> lines;
  for (const auto& [line, message] : errors) {
    if (lines.size() == kMaxErrors) {
      lines.push_back(fmt::format("{}: and {} more errors", name, errors.size() - kMaxErrors));
      break;
    }
    lines.push_back(fmt::format("{}:{}: {}", name, line, message));
  }
  return lines;
}

// The text of a file, one byte more than allowed at most; or an errno value.
std::expected<std::string, int> read_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             &std::fclose);
  if (!file) return std::unexpected(errno);
  std::string text(kMaxConfigBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get())) return std::unexpected(errno);
  return text;
}

}  // namespace

ConfigLoad load_config_text(std::string_view name, std::string_view text) {
  std::vector<ConfigError> errors;
  const YamlNode root = parse_yaml(text, errors);
  Config config = Reader(errors).read(root);
  if (errors.empty()) return config;
  return std::unexpected(error_lines(name, std::move(errors)));
}

ConfigLoad load_config_file(const std::string& path) {
  const auto text = read_file(path);
  if (!text) {
    return std::unexpected(std::vector{fmt::format("{}: {}", path, std::strerror(text.error()))});
  }
  return load_config_text(path, *text);
}

}  // namespace clew
