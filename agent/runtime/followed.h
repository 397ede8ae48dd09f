// Keeps the set of followed processes in step: rules, children, new executables, listeners, exits.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstdint>

#include "agent/base/result.h"
#include "agent/pipeline/pipeline.h"
#include "probes/capture.h"
#include "probes/selection.h"

namespace clew {

/// Runs on the pipeline's thread.
class FollowedProcesses final : public ProcessObserver {
 public:
  FollowedProcesses(Selection selection, Capture& capture, ProcessTable& table);

  /// Selects what runs now, descendants included. To be called once capture is attached, so that
  /// what is forked meanwhile is not missed. Fails if a rule names a pid that does not exist.
  Result<> select_running();
  /// Selects one process and its descendants.
  Result<> select(uint32_t tgid, const std::string& rule_name = {});

  void on_fork(uint32_t parent, uint32_t child) override;
  void on_exec(const clew_process& record, ByteView arguments) override;
  void on_listen(uint32_t tgid, uint16_t port) override;
  void on_exit(uint32_t tgid) override;
  bool wants(uint32_t tgid) override;

 private:
  void follow(ProcessInfo process, const std::string& rule_name);
  Result<bool> follow_children();

  Selection selection_;
  Capture& capture_;
  ProcessTable& table_;
  const bool all_;
  const uint32_t own_tgid_;
  absl::flat_hash_set<uint32_t> followed_;
};

}  // namespace clew
