#include "agent/protocols/sql/names.h"

#include <algorithm>

namespace clew::sql {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

}  // namespace

std::string_view bare_name(std::string_view identifier) {
  if (identifier.size() < 3 || identifier.front() != '"') return identifier;
  const std::string_view inner = identifier.substr(1, identifier.size() - 2);
  const bool is_plain =
      !is_digit(inner.front()) && inner.front() != '$' &&
      inner.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_$") == std::string_view::npos;
  return is_plain ? inner : identifier;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool looks_generated(std::string_view name) {
  size_t digits = 0, run = 0, changes = 0;
  char before = 0;
  for (char c : name) {
    const bool is_hexadecimal = is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f');
    digits = is_digit(c) ? digits + 1 : 0;
    changes = run == 0 ? 0 : changes + (is_digit(c) != is_digit(before) ? 1 : 0);
    run = is_hexadecimal ? run + 1 : 0;
    if (digits >= 6 || (run >= 8 && changes >= 2)) return true;
    before = c;
  }
  return false;
}

bool has_digit(std::string_view name) {
  return std::any_of(name.begin(), name.end(), is_digit);
}

}  // namespace clew::sql
