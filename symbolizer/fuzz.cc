// Reads the input as an executable file. A seed that is a real program lets mutations get far;
// inputs that begin with the magic of Go's build information are given to its parser too.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "symbolizer/executable.h"
#include "symbolizer/go_build_info.h"

namespace {

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

bool is_printable(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

void check_go(const std::string& version, const std::string& module) {
  require(version.size() <= 512 && module.size() <= 512, "Go's texts are short");
  require(is_printable(version) && is_printable(module), "Go's texts are printable");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A copy of exactly that size, so that reading past it is seen.
  const std::vector<uint8_t> copy(data, data + size);
  const auto go = clew::parse_go_build_info(copy);
  check_go(go.version, go.module);

  static const int file = memfd_create("executable", MFD_CLOEXEC);
  require(file >= 0, "a memory file");
  require(ftruncate(file, 0) == 0, "an empty file");
  require(pwrite(file, data, size, 0) == static_cast<ssize_t>(size), "a file of the input");
  const auto info = clew::read_executable(file);
  if (!info) {
    require(!info.error().message.empty(), "an error says what is wrong");
    return 0;
  }
  require(info->build_id.size() <= 128 && info->build_id.size() % 2 == 0, "a build id of bytes");
  check_go(info->go_version, info->go_module);
  return 0;
}
