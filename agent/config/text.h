// Small helpers for the words of error messages and for the plain-text formats of configuration.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace clew {

/// `text` in single quotes, control bytes escaped, cut after 64 bytes: fit for one line of output
/// whatever the input holds.
std::string in_quotes(std::string_view text);

/// ASCII only.
std::string to_lower(std::string_view text);

/// `text` without blanks and tabs at its ends.
std::string_view trimmed(std::string_view text);

/// The pieces of `text` between separators, trimmed; pieces may be empty.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Offset of the first byte that is not valid UTF-8 (RFC 3629) or is NUL; npos if there is none.
size_t first_bad_utf8(std::string_view text);

/// The candidate a person most likely meant by `word`, empty when none is near.
std::string_view closest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace clew
