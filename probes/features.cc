#include "probes/features.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/utsname.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <string_view>

#include "agent/base/result.h"
#include "probes/handles.h"
#include "probes/plan.h"

namespace clew {
namespace {

using State = Feature::State;

Feature yes(std::string detail = {}) {
  return {State::Yes, std::move(detail)};
}
Feature no(std::string detail) {
  return {State::No, std::move(detail)};
}

Feature from_error(int code) {
  if (code == EPERM || code == EACCES) return {State::Refused, std::strerror(code)};
  return no(std::strerror(code));
}

Feature from_error(const Error& error) {
  Feature feature = from_error(error.code);
  feature.detail = error.message;
  return feature;
}

Feature probe_map(bpf_map_type type, uint32_t key, uint32_t value, uint32_t entries) {
  const Fd fd(bpf_map_create(type, "clew_probe", key, value, entries, nullptr));
  return fd ? yes() : from_error(errno);
}

// For maps that need type information of their own.
Feature probe_map_type(bpf_map_type type) {
  const int result = libbpf_probe_bpf_map_type(type, nullptr);
  if (result > 0) return yes();
  return result == 0 ? no("no such map here") : from_error(-result);
}

// A tracepoint that typed programs can attach to has a typedef btf_trace_NAME.
Feature probe_tracepoint(const btf* kernel, std::string_view name) {
  if (!kernel) return {State::Unknown, "needs BTF"};
  const auto type = fmt::format("btf_trace_{}", name);
  return btf__find_by_name_kind(kernel, type.c_str(), BTF_KIND_TYPEDEF) > 0
             ? yes()
             : no(fmt::format("no tracepoint {} here", name));
}

// The smallest program: r0 = 0; exit.
constexpr std::array kReturnZero = {
    bpf_insn{.code = 0xb7, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
    bpf_insn{.code = 0x95, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
};

Feature probe_program(bpf_prog_type type) {
  const Fd fd(
      bpf_prog_load(type, "clew_probe", "GPL", kReturnZero.data(), kReturnZero.size(), nullptr));
  return fd ? yes() : from_error(errno);
}

// Loads a program that does nothing, to hang on a kernel function.
Result<Fd> load_trampoline(const btf* kernel, bpf_attach_type type, const char* function) {
  const int id = btf__find_by_name_kind(kernel, function, BTF_KIND_FUNC);
  if (id < 0) return failure(fmt::format("no function {} here", function));
  bpf_prog_load_opts options;  // LIBBPF_OPTS is no C++ that clang takes
  std::memset(&options, 0, sizeof(options));
  options.sz = sizeof(options);
  options.expected_attach_type = type;
  options.attach_btf_id = static_cast<uint32_t>(id);
  Fd program(bpf_prog_load(BPF_PROG_TYPE_TRACING, "clew_probe", "GPL", kReturnZero.data(),
                           kReturnZero.size(), &options));
  if (!program) return system_error(fmt::format("loading fexit of {}", function), errno);
  return program;
}

// Attaching may be refused where loading is not. Tried on one function for all, because it takes
// the kernel a tenth of a second to detach again.
Feature probe_trampolines(const btf* kernel) {
  const auto program = load_trampoline(kernel, BPF_TRACE_FEXIT, "inet_sendmsg");
  if (!program) return from_error(program.error());
  const Fd link(bpf_raw_tracepoint_open(nullptr, program->get()));
  if (link) return yes();
  return from_error(Error{fmt::format("attaching fexit: {}", std::strerror(errno)), errno});
}

Feature probe_functions(const btf* kernel, const Feature& trampolines, bpf_attach_type type,
                        std::initializer_list<const char*> functions) {
  if (!trampolines.available()) return trampolines;
  for (const char* function : functions) {
    const auto program = load_trampoline(kernel, type, function);
    if (!program) return from_error(program.error());
  }
  return yes();
}

void probe_socket_functions(const btf* kernel, Features& found) {
  if (!kernel || !found.privileges.available()) {
    const Feature untried{State::Unknown,
                          kernel ? "cannot be tried without privileges" : "needs BTF"};
    found.socket_fexit = found.unix_fexit = found.sendpage = found.send_entry = untried;
    return;
  }
  const auto trampolines = probe_trampolines(kernel);
  const auto probe = [&](bpf_attach_type type, std::initializer_list<const char*> functions) {
    return probe_functions(kernel, trampolines, type, functions);
  };
  found.socket_fexit = probe(BPF_TRACE_FEXIT, {"inet_recvmsg", "inet6_sendmsg", "inet6_recvmsg"});
  found.unix_fexit = probe(BPF_TRACE_FEXIT, {"unix_stream_sendmsg", "unix_stream_recvmsg"});
  if (btf__find_by_name_kind(kernel, "bpf_skc_to_unix_sock", BTF_KIND_FUNC) < 0) {
    found.unix_fexit = no("no helper bpf_skc_to_unix_sock here (kernel 5.16)");
  }
  found.sendpage = probe(BPF_TRACE_FEXIT, {"inet_sendpage"});
  found.send_entry = probe(BPF_TRACE_FENTRY, {"tcp_sendmsg_locked"});
}

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Where a file system of `type` is mounted, or an empty string.
std::string mount_point(std::string_view type) {
  std::ifstream mounts("/proc/self/mounts");
  std::string line;
  while (std::getline(mounts, line)) {
    std::istringstream fields(line);
    std::string device, point, kind;
    if (fields >> device >> point >> kind && kind == type) return point;
  }
  return {};
}

Feature probe_mount(std::string_view type, std::string_view how) {
  auto point = mount_point(type);
  if (!point.empty()) return yes(std::move(point));
  return no(fmt::format("not mounted ({})", how));
}

// The kernel's programs see the host's process ids; so must we.
Feature probe_host_processes() {
  std::error_code error;
  const auto name = std::filesystem::read_symlink("/proc/self/ns/pid", error).string();
  if (error) return {State::Unknown, error.message()};
  constexpr std::string_view kInitial = "pid:[4026531836]";  // PROC_PID_INIT_INO, fixed
  return name == kInitial ? yes() : no("this is a pid namespace of its own (hostPID: true helps)");
}

Feature probe_lockdown() {
  const auto line = first_line("/sys/kernel/security/lockdown");
  if (line.empty()) return {State::Unknown, "securityfs does not say"};
  if (line.find("[none]") != std::string::npos) return no("none");
  return yes(line);
}

Feature probe_kprobes() {
  std::ifstream types("/sys/bus/event_source/devices/kprobe/type");
  return types ? yes() : no("this kernel has none");
}

}  // namespace

Features probe_features() {
  libbpf_set_print([](libbpf_print_level, const char*, va_list) { return 0; });
  Features found;
  utsname names{};
  if (uname(&names) == 0) {
    found.kernel = names.release;
    found.architecture = names.machine;
  }
  const Btf kernel(btf__load_vmlinux_btf());
  found.btf = kernel ? yes("/sys/kernel/btf/vmlinux") : no("/sys/kernel/btf/vmlinux is not there");
  found.privileges = probe_program(BPF_PROG_TYPE_RAW_TRACEPOINT);
  if (!found.privileges.available()) {
    found.privileges.detail =
        found.privileges.state == State::Refused
            ? "loading BPF programs is not permitted: run as root, or with CAP_BPF, CAP_PERFMON "
              "and "
              "CAP_SYS_PTRACE (a container's seccomp profile can refuse it, too)"
            : "BPF programs cannot be loaded: " + found.privileges.detail;
  }
  found.ring_buffer = probe_map(BPF_MAP_TYPE_RINGBUF, 0, 0, 65536);
  found.socket_tracepoints = probe_tracepoint(kernel.get(), "sock_send_length");
  if (found.socket_tracepoints.available()) {
    found.socket_tracepoints = probe_tracepoint(kernel.get(), "sock_recv_length");
  }
  probe_socket_functions(kernel.get(), found);
  found.socket_state = probe_tracepoint(kernel.get(), "inet_sock_set_state");
  found.send_begin = probe_tracepoint(kernel.get(), "tcp_sendmsg_locked");
  found.socket_storage = probe_map_type(BPF_MAP_TYPE_SK_STORAGE);
  found.task_storage = probe_map_type(BPF_MAP_TYPE_TASK_STORAGE);
  found.kprobes = probe_kprobes();
  found.lockdown = probe_lockdown();
  found.host_processes = probe_host_processes();
  found.cgroup2 = probe_mount("cgroup2", "containers are told apart by cgroup v1 paths");
  found.tracefs = probe_mount("tracefs", "mount -t tracefs nodev /sys/kernel/tracing");
  found.bpffs = probe_mount("bpf", "mount -t bpf bpf /sys/fs/bpf");
  return found;
}

std::vector<std::string> missing_requirements(const Features& features) {
  std::vector<std::string> missing;
  if (!features.privileges.available()) {
    missing.push_back(features.privileges.detail);
    return missing;  // nothing else can be told apart without them
  }
  if (features.architecture != "x86_64") {
    missing.push_back(
        fmt::format("architecture {}: only x86_64 is supported", features.architecture));
  }
  const auto need = [&missing](const Feature& feature, std::string_view what) {
    if (feature.state == State::No || feature.state == State::Refused) {
      missing.push_back(fmt::format("{}: {}", what, feature.detail));
    }
  };
  need(features.host_processes, "the host's pid namespace");
  need(features.btf, "kernel type information (CONFIG_DEBUG_INFO_BTF)");
  need(features.ring_buffer, "BPF ring buffer (kernel 5.8)");
  if (features.btf.available() && plan(features).capture == CaptureBackend::None) {
    missing.push_back(
        fmt::format("a way to see sockets: socket tracepoints (kernel 6.3): {}; or fexit: {}",
                    features.socket_tracepoints.detail, features.socket_fexit.detail));
  }
  need(features.socket_state, "tracepoint inet_sock_set_state");
  need(features.socket_storage, "storage in sockets (kernel 5.11)");
  need(features.task_storage, "storage in tasks (kernel 5.11)");
  return missing;
}

}  // namespace clew
