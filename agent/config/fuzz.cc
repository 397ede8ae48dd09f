// Whatever the bytes: no crash, and either a configuration or errors of one line each.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/config/load.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const clew::ConfigLoad loaded = clew::load_config_text("fuzz.yaml", text);
  if (loaded) return 0;
  if (loaded.error().empty()) std::abort();
  for (const std::string& line : loaded.error()) {
    if (!line.starts_with("fuzz.yaml:") || line.find('\n') != std::string::npos) std::abort();
  }
  return 0;
}
