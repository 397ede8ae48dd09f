#include "probes/capture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <string>

#include "bpf/abi/process.h"
#include "bpf/abi/segment.h"
#include "bpf/abi/socket_numbers.h"
// The skeleton is C that C++ compiles; its own warnings are not ours to mend.
#include "capture.skel.h"
#include "probes/plan.h"
#include "probes/socket_numbers.h"

namespace clew {
namespace {

constexpr std::array kCounterInfos = {
#define CLEW_COUNTER_INFO(name, loss, text) CounterInfo{#name, loss, text},
    CLEW_KERNEL_COUNTERS(CLEW_COUNTER_INFO)
#undef CLEW_COUNTER_INFO
};
static_assert(kCounterInfos.size() == CLEW_COUNTER_COUNT);

// A busy host would never let one drain end: the record handler ends it with a code of its own.
constexpr size_t kMostAtOnce = 8192;
constexpr int kEnough = -ECANCELED;

void choose_programs(const capture_bpf& skeleton, const Plan& chosen) {
  const auto& programs = skeleton.progs;
  const auto use = [](bpf_program* program, bool wanted) {
    bpf_program__set_autoload(program, wanted);
  };
  for (auto* program : {programs.on_receive, programs.on_send}) {
    use(program, chosen.capture == CaptureBackend::SocketTracepoints);
  }
  for (auto* program : {programs.on_inet_receive, programs.on_inet6_receive, programs.on_inet_send,
                        programs.on_inet6_send}) {
    use(program, chosen.capture == CaptureBackend::Fexit);
  }
  for (auto* program : {programs.on_unix_receive, programs.on_unix_send}) {
    use(program, chosen.capture == CaptureBackend::Fexit && chosen.unix_sockets);
  }
  use(programs.on_inet_sendpage, chosen.sendpage);
  use(programs.on_send_begin, chosen.send_begin == SendBegin::Tracepoint);
  use(programs.on_send_entry, chosen.send_begin == SendBegin::Fentry);
}

int log_libbpf(libbpf_print_level level, const char* format, va_list arguments) {
  const auto to = level == LIBBPF_WARN ? spdlog::level::debug : spdlog::level::trace;
  if (!spdlog::should_log(to)) return 0;
  char line[4096];
  const int length = std::vsnprintf(line, sizeof(line), format, arguments);
  std::string_view text(line, std::min<size_t>(sizeof(line) - 1, length > 0 ? length : 0));
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  spdlog::log(to, "libbpf: {}", text);
  return 0;
}

}  // namespace

std::span<const CounterInfo> kernel_counter_infos() {
  return kCounterInfos;
}

struct Capture::Impl {
  capture_bpf* skeleton = nullptr;
  ring_buffer* ring = nullptr;
  RecordHandler handler;
  size_t handed_over = 0;

  ~Impl() {
    if (ring) ring_buffer__free(ring);
    if (skeleton) capture_bpf__destroy(skeleton);
  }

  static int on_record(void* self, void* data, size_t size) {
    auto& impl = *static_cast<Impl*>(self);
    impl.handler({static_cast<const uint8_t*>(data), size});
    return ++impl.handed_over < kMostAtOnce ? 0 : kEnough;
  }
};

Capture::Capture(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
}
Capture::~Capture() = default;

Result<std::unique_ptr<Capture>> Capture::load(const CaptureOptions& options,
                                               const Features& features, RecordHandler handler) {
  libbpf_set_print(log_libbpf);
  auto impl = std::make_unique<Impl>();
  impl->handler = std::move(handler);
  impl->skeleton = capture_bpf__open();
  if (!impl->skeleton) return system_error("cannot open the embedded BPF programs", errno);

  auto& settings = const_cast<clew_settings&>(
      const_cast<const volatile clew_settings&>(impl->skeleton->rodata->settings));
  settings.own_tgid = static_cast<uint32_t>(getpid());
  settings.ring_bytes = options.ring_buffer_bytes;
  settings.select_all = options.select_all;
  settings.judge_executables = options.judge_executables;
  const Plan chosen = plan(features);
  settings.unix_sockets = chosen.unix_sockets;
  if (options.ports.size() > CLEW_PORT_RANGES) {
    return failure("too many port ranges: at most " + std::to_string(CLEW_PORT_RANGES));
  }
  for (const auto& range : options.ports) settings.ports[settings.port_ranges++] = range;

  if (bpf_map__set_max_entries(impl->skeleton->maps.records, options.ring_buffer_bytes)) {
    return system_error("cannot size the ring buffer", errno);
  }
  choose_programs(*impl->skeleton, chosen);
  if (const int error = capture_bpf__load(impl->skeleton)) {
    return system_error("the kernel refused the BPF programs", -error);
  }
  impl->ring = ring_buffer__new(bpf_map__fd(impl->skeleton->maps.records), Impl::on_record,
                                impl.get(), nullptr);
  if (!impl->ring) return system_error("cannot map the ring buffer", errno);
  return std::unique_ptr<Capture>(new Capture(std::move(impl)));
}

Result<> Capture::attach() {
  if (const int error = capture_bpf__attach(impl_->skeleton)) {
    return system_error("cannot attach the BPF programs", -error);
  }
  return {};
}

void Capture::begin_sockets() {
  const auto numbers = socket_numbers();
  if (numbers.empty() || numbers.size() >= CLEW_MAX_SOCKET_BATCHES) return;
  const auto put = [this](uint32_t key, uint32_t value) {
    bpf_map__update_elem(impl_->skeleton->maps.socket_numbers, &key, sizeof(key), &value,
                         sizeof(value), BPF_ANY);
  };
  for (const auto& [batch, last] : numbers) put(batch, last);
  // Last: from here on there are younger sockets. Batches are numbered without end, in 22 bits.
  put(CLEW_NEWEST_BATCH, numbers.rbegin()->first);
}

int Capture::poll_fd() const {
  return ring_buffer__epoll_fd(impl_->ring);
}

Result<size_t> Capture::drain() {
  impl_->handed_over = 0;
  const int result = ring_buffer__consume(impl_->ring);
  if (result < 0 && result != kEnough) return system_error("reading the ring buffer", -result);
  return impl_->handed_over;
}

Result<> Capture::select(uint32_t tgid) {
  const uint32_t how = CLEW_SELECTED;
  if (bpf_map__update_elem(impl_->skeleton->maps.processes, &tgid, sizeof(tgid), &how, sizeof(how),
                           BPF_ANY)) {
    return system_error("cannot select process " + std::to_string(tgid), errno);
  }
  return {};
}

void Capture::deselect(uint32_t tgid) {
  bpf_map__delete_elem(impl_->skeleton->maps.processes, &tgid, sizeof(tgid), 0);
}

KernelCounters Capture::counters() const {
  KernelCounters sums{};
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return sums;
  std::vector<uint64_t> values(static_cast<size_t>(cpus));
  const bpf_map* map = impl_->skeleton->maps.counters;
  for (uint32_t key = 0; key < CLEW_COUNTER_COUNT; ++key) {
    if (bpf_map__lookup_elem(map, &key, sizeof(key), values.data(),
                             values.size() * sizeof(uint64_t), 0)) {
      continue;
    }
    for (const uint64_t value : values) sums[key] += value;
  }
  return sums;
}

std::vector<ProgramCost> Capture::costs() const {
  std::vector<ProgramCost> costs;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, impl_->skeleton->obj) {
    const int fd = bpf_program__fd(program);
    if (fd < 0) continue;
    bpf_prog_info info{};
    uint32_t size = sizeof(info);
    if (bpf_prog_get_info_by_fd(fd, &info, &size)) continue;
    costs.push_back(
        {bpf_program__name(program), info.run_cnt, info.run_time_ns, info.recursion_misses});
  }
  return costs;
}

}  // namespace clew
