#include "probes/survey.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

#include "probes/handles.h"

namespace clew {
namespace {

using State = Feature::State;

// libbpf 1.4 has names for all of these, older ones not for all.
struct Helper {
  std::string_view id;
  int32_t number;
};
constexpr std::array kTracingHelpers = {
    Helper{"bpf_ringbuf_output", BPF_FUNC_ringbuf_output},
    Helper{"bpf_sk_storage_get", BPF_FUNC_sk_storage_get},
    Helper{"bpf_task_storage_get", BPF_FUNC_task_storage_get},
    Helper{"bpf_get_current_task_btf", BPF_FUNC_get_current_task_btf},
    Helper{"bpf_task_pt_regs", BPF_FUNC_task_pt_regs},
    Helper{"bpf_probe_read_user", BPF_FUNC_probe_read_user},
    Helper{"bpf_probe_read_kernel", BPF_FUNC_probe_read_kernel},
    Helper{"bpf_get_socket_cookie", BPF_FUNC_get_socket_cookie},
    Helper{"bpf_skc_to_tcp_sock", BPF_FUNC_skc_to_tcp_sock},
    Helper{"bpf_get_prandom_u32", BPF_FUNC_get_prandom_u32},
    Helper{"bpf_loop", BPF_FUNC_loop},
};
constexpr std::array<std::string_view, 7> kTracepoints = {
    "sock_send_length",   "sock_recv_length",   "tcp_sendmsg_locked", "inet_sock_set_state",
    "sched_process_fork", "sched_process_exec", "sched_process_exit"};

constexpr bpf_insn set_result(int32_t value) {
  return {.code = 0xb7, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = value};
}
constexpr bpf_insn kExit{.code = 0x95, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0};
constexpr bpf_insn call(int32_t helper) {
  return {.code = 0x85, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = helper};
}

Feature from_errno(int code) {
  const bool is_refused = code == EPERM || code == EACCES;
  if (is_refused) return {State::Refused, std::strerror(code)};
  return {State::No, fmt::format("this kernel has none: {}", std::strerror(code))};
}

struct Target {
  bpf_prog_type type = BPF_PROG_TYPE_UNSPEC;
  bpf_attach_type attach = bpf_attach_type{};
  uint32_t btf_id = 0;
};

template <size_t N>
Fd load(const Target& target, const std::array<bpf_insn, N>& program, std::string* log = nullptr) {
  bpf_prog_load_opts options;  // LIBBPF_OPTS is no C++ that clang takes
  std::memset(&options, 0, sizeof(options));
  options.sz = sizeof(options);
  options.expected_attach_type = target.attach;
  options.attach_btf_id = target.btf_id;
  std::array<char, 4096> text{};
  if (log) {
    options.log_buf = text.data();
    options.log_size = text.size();
    options.log_level = 1;
  }
  Fd loaded(bpf_prog_load(target.type, "clew_probe", "GPL", program.data(), N, &options));
  const int code = errno;
  if (log) *log = text.data();
  errno = code;
  return loaded;
}

Feature try_program(const Target& target, int32_t result = 0) {
  const Fd program = load(target, std::array{set_result(result), kExit});
  return program ? Feature{State::Yes, {}} : from_errno(errno);
}

// A call without arguments is refused by all that know the helper, too, but in other words.
Feature try_helper(const Target& target, int32_t helper) {
  std::string log;
  const Fd program = load(target, std::array{call(helper), set_result(0), kExit}, &log);
  if (program) return {State::Yes, {}};
  if (errno == EPERM) return from_errno(errno);
  for (const char* words : {"unknown func", "invalid func", "cannot use helper"}) {
    if (log.find(words) != log.npos) return {State::No, "this kernel has no such helper here"};
  }
  return log.empty() ? from_errno(errno) : Feature{State::Yes, {}};
}

Target tracepoint_target(const btf* kernel, std::string_view name) {
  const auto type = fmt::format("btf_trace_{}", name);
  const int id = kernel ? btf__find_by_name_kind(kernel, type.c_str(), BTF_KIND_TYPEDEF) : 0;
  return {BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, id > 0 ? static_cast<uint32_t>(id) : 0};
}

Feature try_tracepoint(const btf* kernel, std::string_view name) {
  if (!kernel) return {State::Unknown, "cannot be tried without kernel type information"};
  const Target target = tracepoint_target(kernel, name);
  if (target.btf_id == 0) return {State::No, "this kernel has no such tracepoint"};
  const Fd program = load(target, std::array{set_result(0), kExit});
  if (!program) return from_errno(errno);
  const Fd link(bpf_raw_tracepoint_open(nullptr, program.get()));
  return link ? Feature{State::Yes, {}} : from_errno(errno);
}

Feature try_map(bpf_map_type type, uint32_t key, uint32_t value) {
  const Fd map(bpf_map_create(type, "clew_probe", key, value, 16, nullptr));
  return map ? Feature{State::Yes, {}} : from_errno(errno);
}

// On this very program, and never enabled.
Feature try_uprobe() {
  std::ifstream file("/sys/bus/event_source/devices/uprobe/type");
  uint32_t type = 0;
  if (!(file >> type)) return {State::No, "this kernel has no uprobes"};
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = type;
  attributes.disabled = 1;
  attributes.config1 = reinterpret_cast<uint64_t>("/proc/self/exe");
  const Fd event(
      static_cast<int>(syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC)));
  return event ? Feature{State::Yes, {}} : from_errno(errno);
}

// A kernel that knows it complains of the path, which is no file, and not of the request.
Feature try_uprobe_multi() {
  const Fd program =
      load({BPF_PROG_TYPE_KPROBE, BPF_TRACE_UPROBE_MULTI, 0}, std::array{set_result(0), kExit});
  if (!program) return from_errno(errno);
  const unsigned long offset = 0;
  bpf_link_create_opts options;
  std::memset(&options, 0, sizeof(options));
  options.sz = sizeof(options);
  options.uprobe_multi.path = "/";
  options.uprobe_multi.offsets = &offset;
  options.uprobe_multi.cnt = 1;
  const Fd link(bpf_link_create(program.get(), -1, BPF_TRACE_UPROBE_MULTI, &options));
  if (link || errno == EBADF) return {State::Yes, {}};
  return from_errno(errno);
}

Feature try_iterator(const btf* kernel, const char* name) {
  if (!kernel) return {State::Unknown, "cannot be tried without kernel type information"};
  const int id = btf__find_by_name_kind(kernel, name, BTF_KIND_FUNC);
  if (id <= 0) return {State::No, "this kernel has no such iterator"};
  return try_program({BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, static_cast<uint32_t>(id)});
}

Feature find_container() {
  std::error_code ignored;
  for (const char* mark : {"/.dockerenv", "/run/.containerenv"}) {
    if (std::filesystem::exists(mark, ignored)) return {State::Yes, mark};
  }
  if (getenv("KUBERNETES_SERVICE_HOST")) return {State::Yes, "in Kubernetes"};
  return {State::No, {}};
}

Feature find_cgroup_namespace() {
  std::error_code error;
  const auto name = std::filesystem::read_symlink("/proc/self/ns/cgroup", error).string();
  if (error) return {State::Unknown, error.message()};
  if (name == "cgroup:[4026531835]") return {State::Yes, {}};  // PROC_CGROUP_INIT_INO, fixed
  return {State::No, "clew is in a cgroup namespace of its own"};
}

Feature find_jit() {
  std::ifstream file("/proc/sys/net/core/bpf_jit_enable");
  int enabled = 0;
  if (!(file >> enabled)) return {State::Unknown, "net.core.bpf_jit_enable cannot be read"};
  return enabled ? Feature{State::Yes, {}} : Feature{State::No, "net.core.bpf_jit_enable is 0"};
}

std::string effective_capabilities() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("CapEff:\t")) return line.substr(8);
  }
  return {};
}

std::vector<Finding> find_later(const btf* kernel) {
  return {
      {"uprobe", try_uprobe()},
      {"uprobe_multi", try_uprobe_multi()},
      {"sockops", try_program({BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS, 0})},
      {"tcp_header_options",
       try_helper({BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS, 0}, BPF_FUNC_store_hdr_opt)},
      {"sk_msg", try_program({BPF_PROG_TYPE_SK_MSG, BPF_SK_MSG_VERDICT, 0}, 1)},
      {"sockhash", try_map(BPF_MAP_TYPE_SOCKHASH, 8, 4)},
      {"iter_task_file", try_iterator(kernel, "bpf_iter_task_file")},
  };
}

}  // namespace

std::vector<Finding> capabilities_of(std::string_view effective) {
  struct Capability {
    std::string_view id;
    unsigned bit;  // linux/capability.h
  };
  constexpr Capability kCapabilities[] = {
      {"CAP_BPF", 39},        {"CAP_PERFMON", 38},        {"CAP_SYS_ADMIN", 21},
      {"CAP_SYS_PTRACE", 19}, {"CAP_DAC_READ_SEARCH", 2}, {"CAP_SYS_NICE", 23},
      {"CAP_NET_ADMIN", 12},  {"CAP_SYS_RESOURCE", 24},
  };
  uint64_t mask = 0;
  const char* end = std::to_address(effective.end());
  const auto [stop, error] = std::from_chars(std::to_address(effective.begin()), end, mask, 16);
  const bool is_mask = error == std::errc() && stop == end;
  std::vector<Finding> found;
  for (const auto& [id, bit] : kCapabilities) {
    const State state = !is_mask ? State::Unknown : mask >> bit & 1 ? State::Yes : State::No;
    found.push_back({id, {state, is_mask ? "" : "/proc/self/status does not say"}});
  }
  return found;
}

Survey survey_machine() {
  libbpf_set_print([](libbpf_print_level, const char*, va_list) { return 0; });
  const Btf kernel(btf__load_vmlinux_btf());
  Survey survey;
  survey.capabilities = capabilities_of(effective_capabilities());
  survey.surroundings = {{"container", find_container()},
                         {"cgroup_namespace", find_cgroup_namespace()},
                         {"jit", find_jit()}};
  for (const auto name : kTracepoints) {
    survey.hooks.push_back({name, try_tracepoint(kernel.get(), name)});
  }
  const Target anywhere = tracepoint_target(kernel.get(), "sched_process_exit");
  for (const auto& [id, number] : kTracingHelpers) {
    const Feature unknown{State::Unknown, "cannot be tried without kernel type information"};
    survey.helpers.push_back({id, anywhere.btf_id ? try_helper(anywhere, number) : unknown});
  }
  survey.later = find_later(kernel.get());
  return survey;
}

}  // namespace clew
