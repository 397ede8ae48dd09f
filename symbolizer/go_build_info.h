// What the Go linker records of a program in its section .go.buildinfo.
#pragma once

#include <string>

#include "agent/base/bytes.h"

namespace clew {

struct GoBuildInfo {
  std::string version;  ///< of the toolchain, "go1.26.8"; may go on with " X:experiment"
  std::string module;   ///< path of the main module, else of the main package
};

/// Reads the start of the section's content; it may be cut off anywhere, and may be anything.
/// Fields that are absent, too long or not printable ASCII are left empty. Knows the layout of
/// Go 1.18 and later (runtime/debug and debug/buildinfo of the Go sources); earlier ones hold
/// pointers to the strings instead, and tell nothing here.
GoBuildInfo parse_go_build_info(ByteView content);

}  // namespace clew
