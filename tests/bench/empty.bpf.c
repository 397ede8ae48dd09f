// Does nothing, as often as the agent's program on the same tracepoint runs: what the kernel's
// statistics then show of it, they add to any program.
// clang-format off: the second needs the types of the first
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
// clang-format on

SEC("tp_btf/sock_recv_length")
int empty_receive(void* context) {
  return 0;
}

char licence[] SEC("license") = "GPL";
