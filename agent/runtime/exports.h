// The configured export targets, each a sink behind a queue of its own.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "agent/base/result.h"
#include "agent/config/config.h"
#include "exporter/export_queue.h"

namespace clew {

class Exports {
 public:
  /// Opens every target; the first that cannot be opened is the error.
  static Result<Exports> open(const Config& config);

  void push(const std::shared_ptr<const SpanBatch>& batch);
  /// All targets at once, each within `deadline`.
  void drain(std::chrono::milliseconds deadline);
  /// What every target together did; `exported` is that of the target that got least.
  ExportQueue::Statistics statistics() const;

 private:
  std::vector<std::unique_ptr<ExportQueue>> queues_;
};

}  // namespace clew
