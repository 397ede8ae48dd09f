// OTLP strings must be valid UTF-8; the wire that clew reads need not be.
#pragma once

#include <string>
#include <string_view>

namespace clew {

/// `text` itself if it is valid UTF-8 (RFC 3629), else a copy held by `scratch` in which each
/// maximal ill-formed part is replaced by U+FFFD (Unicode 15, section 3.9, "substitution of maximal
/// subparts").
std::string_view valid_utf8(std::string_view text, std::string& scratch);

}  // namespace clew
