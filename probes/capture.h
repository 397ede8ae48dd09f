// Loads and attaches the kernel programs and reads what they record.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/base/result.h"
#include "bpf/abi/counters.h"
#include "bpf/abi/settings.h"
#include "probes/features.h"

namespace clew {

struct CaptureOptions {
  uint32_t ring_buffer_bytes = 8u << 20;  ///< power of two
  bool select_all = false;
  bool judge_executables = false;  ///< report every exec, for rules that look at executables
  std::vector<clew_port_range> ports;
};

using KernelCounters = std::array<uint64_t, CLEW_COUNTER_COUNT>;

/// What the kernel spent on one program since it was loaded. Run time is counted only while
/// kernel.bpf_stats_enabled is set.
struct ProgramCost {
  const char* name;
  uint64_t runs;
  uint64_t run_time_ns;
  uint64_t recursion_misses;
};

/// The kernel side while it is loaded. Programs detach when it is destroyed. Not thread-safe, but
/// for counters() and costs(), which any thread may call.
class Capture {
 public:
  using RecordHandler = std::function<void(ByteView record)>;

  /// Loads the programs that `features` allows. `handler` is called from drain() for each record;
  /// the view is valid during the call and aligned to 8 bytes.
  static Result<std::unique_ptr<Capture>> load(const CaptureOptions& options,
                                               const Features& features, RecordHandler handler);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  /// From its return on, operations of selected processes are recorded.
  Result<> attach();
  /// UNIX connections made from now on count as seen from their first byte: call it when all that
  /// is to be selected at the start is. Needs CAP_SYS_NICE or an unrestricted CPU set for all CPUs;
  /// where it cannot be told, such a connection counts as joined midway.
  void begin_sockets();
  /// Readable when there are records.
  int poll_fd() const;
  /// Hands over what is there, a bounded number at a time; returns how many.
  Result<size_t> drain();

  Result<> select(uint32_t tgid);
  void deselect(uint32_t tgid);

  KernelCounters counters() const;
  std::vector<ProgramCost> costs() const;

 private:
  struct Impl;
  explicit Capture(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The text a counter has in bpf/abi/counters.h.
struct CounterInfo {
  const char* name;
  clew_loss loss;
  const char* text;
};
std::span<const CounterInfo> kernel_counter_infos();

}  // namespace clew
