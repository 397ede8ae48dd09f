// `clew config check FILE` and `clew config defaults`.
#pragma once

#include <iosfwd>
#include <string>

namespace clew {

/// "FILE: ok" to `out` and 0, or one line per error to `err` and 2.
int check_config(const std::string& file, std::ostream& out, std::ostream& err);

/// Prints a configuration file with every key and its default; 0.
int print_default_config(std::ostream& out);

}  // namespace clew
