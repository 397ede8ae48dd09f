// Reads and writes the configuration file.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/config.h"

namespace clew {

/// A configuration, or every error of the file, each one line: "FILE:LINE: message" ("FILE:
/// message" if it cannot be read at all).
///
/// OtlpExport::endpoint is as written, empty if not given: resolve_otlp() makes it final once the
/// environment had its say.
using ConfigLoad = std::expected<Config, std::vector<std::string>>;

/// Never throws, whatever the file holds. Reads 1 MiB at most; more is an error.
ConfigLoad load_config_file(const std::string& path);

/// The same of text; `name` stands for the file in errors.
ConfigLoad load_config_text(std::string_view name, std::string_view text);

/// A configuration file with every key: the defaults as they are, keys of list items and export
/// targets as comments to be uncommented. Loads to Config{}.
std::string default_config_yaml();

}  // namespace clew
