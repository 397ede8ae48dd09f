// Addresses as the kernel's records hold them: IPv6, or IPv4 mapped into IPv6.
#pragma once

#include <cstdint>
#include <string>

namespace clew {

/// `address` points to 16 bytes.
bool is_mapped_ipv4(const uint8_t* address);
/// As text; mapped addresses as IPv4.
std::string address_text(const uint8_t* address);
/// The value of error.type for an errno of a socket, such as "connection_refused"; errors that are
/// not of the common kind by their symbol, such as "EHOSTDOWN".
std::string_view socket_error_name(int error);

}  // namespace clew
