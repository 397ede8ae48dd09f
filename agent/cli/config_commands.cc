#include "agent/cli/config_commands.h"

#include <ostream>

#include "agent/config/load.h"

namespace clew {

int check_config(const std::string& file, std::ostream& out, std::ostream& err) {
  const ConfigLoad loaded = load_config_file(file);
  if (!loaded) {
    for (const std::string& line : loaded.error()) err << line << '\n';
    return 2;
  }
  out << file << ": ok\n";
  return 0;
}

int print_default_config(std::ostream& out) {
  out << default_config_yaml();
  return 0;
}

}  // namespace clew
