#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace clew {

/// A view of bytes from the wire; never owned, never assumed to be terminated.
using ByteView = std::span<const uint8_t>;

inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace clew
