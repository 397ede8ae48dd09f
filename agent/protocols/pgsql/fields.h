// Reads what lies inside PostgreSQL messages. Pure functions over views; any bytes will do.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/protocols/pgsql/messages.h"
#include "agent/protocols/protocol.h"

namespace clew::pgsql {

/// In network order.
inline uint32_t read_u32(const uint8_t* bytes) {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}
uint32_t read_u32(std::string_view bytes);

/// Whether `side` sends messages of this type and length (that field's value, which counts itself).
bool is_possible(Side side, char type, uint32_t length);
/// Whether a packet without a type can have this length and code.
bool is_startup(uint32_t length, uint32_t code);

/// Takes a string that ends with NUL from the front. False, and everything taken, if there is no
/// NUL.
bool take_string(std::string_view& body, std::string_view& text);

/// Nothing if it is cut.
Tag read_tag(std::string_view body);
ErrorFields read_error(std::string_view body);
/// Without the code in front.
StartupFields read_startup(std::string_view parameters);

}  // namespace clew::pgsql
