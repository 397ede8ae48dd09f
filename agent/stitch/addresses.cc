#include "agent/stitch/addresses.h"

#include <arpa/inet.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace clew {
namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

bool is_mapped_ipv4(const uint8_t* address) {
  return std::memcmp(address, kMappedPrefix.data(), kMappedPrefix.size()) == 0;
}

std::string address_text(const uint8_t* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_mapped_ipv4(address)) {
    inet_ntop(AF_INET, address + kMappedPrefix.size(), text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, address, text.data(), text.size());
  }
  return text.data();
}

std::string_view socket_error_name(int error) {
  switch (error) {
    case 0:
      return "abandoned";
    case ECONNREFUSED:
      return "connection_refused";
    case ECONNRESET:
      return "connection_reset";
    case ECONNABORTED:
      return "connection_aborted";
    case EPIPE:
      return "broken_pipe";
    case ETIMEDOUT:
      return "timed_out";
    case EHOSTUNREACH:
      return "host_unreachable";
    case ENETUNREACH:
      return "network_unreachable";
    default:
      break;
  }
  const char* name = strerrorname_np(error);
  return name ? name : "_OTHER";
}

}  // namespace clew
