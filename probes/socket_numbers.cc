#include "probes/socket_numbers.h"

#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>

#include "bpf/abi/socket_numbers.h"
#include "probes/handles.h"

namespace clew {
namespace {

std::optional<uint32_t> number_of_new_socket() {
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  struct stat status{};
  if (!socket || fstat(socket.get(), &status)) return std::nullopt;
  return static_cast<uint32_t>(status.st_ino);
}

}  // namespace

std::map<uint32_t, uint32_t> socket_numbers() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed)) return {};
  std::map<uint32_t, uint32_t> numbers;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof(one), &one)) continue;  // gone meanwhile
    const auto number = number_of_new_socket();
    if (!number) {
      numbers.clear();
      break;
    }
    auto& last = numbers[(*number - 1) >> CLEW_SOCKET_BATCH_SHIFT];
    last = std::max(last, *number);
  }
  sched_setaffinity(0, sizeof(allowed), &allowed);
  return numbers;
}

}  // namespace clew
