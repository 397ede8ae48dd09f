// Names of tables and the like.
#pragma once

#include <string_view>

namespace clew::sql {

/// Without its quotes where they are not needed.
std::string_view bare_name(std::string_view identifier);

/// Letters of ASCII only.
bool equal_ignoring_case(std::string_view a, std::string_view b);

/// Holds a number or a hash, as names have that programs make: one of very many.
bool looks_generated(std::string_view name);

bool has_digit(std::string_view name);

}  // namespace clew::sql
