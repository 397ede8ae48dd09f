// The words of PostgreSQL's grammar that sanitising and summaries go by.
#pragma once

#include <cstdint>
#include <string_view>

namespace clew::sql {

enum class Keyword : uint8_t {
  None,
#define X(name, traits) name,
#include "agent/protocols/sql/keywords.def"
#undef X
};

/// Whatever the case of its letters; None if it is not one of them.
Keyword find_keyword(std::string_view word);

/// In capitals; empty for None. Lives for ever.
std::string_view spelling(Keyword keyword);

namespace detail {

constexpr uint32_t trait_bits(std::string_view traits) {
  uint32_t bits = 0;
  for (char trait : traits) bits |= uint32_t{1} << (trait & 0x1f);
  return bits;
}

constexpr uint32_t kTraits[] = {
    0,
#define X(name, traits) trait_bits(traits),
#include "agent/protocols/sql/keywords.def"
#undef X
};

}  // namespace detail

/// `trait` is a letter, see keywords.def. None has no traits.
inline bool is(Keyword keyword, char trait) {
  return (detail::kTraits[static_cast<uint8_t>(keyword)] >> (trait & 0x1f) & 1) != 0;
}

}  // namespace clew::sql
