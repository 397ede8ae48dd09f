#include "agent/protocols/sql/keywords.h"

#include <array>

namespace clew::sql {
namespace {

constexpr size_t kLongest = 24;

struct Entry {
  std::array<char, kLongest> spelling{};
  uint8_t size = 0;
};

constexpr char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c;
}

constexpr Entry entry_of(std::string_view name) {
  Entry entry;
  for (char c : name) entry.spelling[entry.size++] = upper(c);
  return entry;
}

constexpr std::array kEntries{
    Entry{},
#define X(name, traits) entry_of(#name),
#include "agent/protocols/sql/keywords.def"
#undef X
};
static_assert(kEntries.size() <= 256);

// Two characters at least.
constexpr size_t slot_of(std::string_view word) {
  const auto letter = [](char c) { return static_cast<size_t>(c & 0x1f); };
  return (letter(word[0]) * 29 + letter(word[1]) * 11 + letter(word[word.size() - 1]) * 67 +
          word.size() * 37) %
         512;
}

constexpr std::array<uint8_t, 512> kSlots = [] {
  std::array<uint8_t, 512> slots{};
  for (size_t i = 1; i < kEntries.size(); ++i) {
    size_t slot = slot_of({kEntries[i].spelling.data(), kEntries[i].size});
    while (slots[slot] != 0) slot = (slot + 1) % 512;
    slots[slot] = static_cast<uint8_t>(i);
  }
  return slots;
}();

bool equals(const Entry& entry, std::string_view word) {
  if (entry.size != word.size()) return false;
  for (size_t i = 0; i < word.size(); ++i) {
    if (upper(word[i]) != entry.spelling[i]) return false;
  }
  return true;
}

}  // namespace

Keyword find_keyword(std::string_view word) {
  if (word.size() < 2 || word.size() > kLongest) return Keyword::None;
  for (size_t slot = slot_of(word); kSlots[slot] != 0; slot = (slot + 1) % 512) {
    if (equals(kEntries[kSlots[slot]], word)) return static_cast<Keyword>(kSlots[slot]);
  }
  return Keyword::None;
}

std::string_view spelling(Keyword keyword) {
  const Entry& entry = kEntries[static_cast<uint8_t>(keyword)];
  return {entry.spelling.data(), entry.size};
}

}  // namespace clew::sql
