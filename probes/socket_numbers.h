// Where the kernel's numbering of sockets stands (bpf/abi/socket_numbers.h).
#pragma once

#include <cstdint>
#include <map>

namespace clew {

/// Last number used so far, by batch, of each CPU that this thread may run on: it visits them one
/// after the other. Empty if there are sockets that cannot be made.
std::map<uint32_t, uint32_t> socket_numbers();

}  // namespace clew
