#include "agent/runtime/exports.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "exporter/console/console_sink.h"
#include "exporter/file_sink.h"
#include "exporter/grpc_sink.h"

namespace clew {
namespace {

Result<std::unique_ptr<Sink>> make_sink(const ExportTarget& target) {
  switch (target.kind) {
    case ExportTarget::Kind::Console:
      // On stderr: the output of a traced command belongs to the command.
      return make_console_sink(ConsoleOptions::for_terminal(STDERR_FILENO));
    case ExportTarget::Kind::File:
      return make_file_sink(target.path);
    case ExportTarget::Kind::Otlp:
      if (target.otlp.protocol != OtlpExport::Protocol::Grpc) {
        return failure("export otlp: protocol http/protobuf is not supported yet, use grpc");
      }
      return make_grpc_sink(target.otlp);
  }
  return failure("unknown export target");
}

}  // namespace

Result<Exports> Exports::open(const Config& config) {
  Exports exports;
  for (const auto& target : config.exports) {
    auto sink = make_sink(target);
    if (!sink) return std::unexpected(sink.error());
    ExportQueueOptions options;
    options.max_spans = config.limits.queue_spans;
    // A collector that comes back should get what was kept for it soon.
    options.max_backoff = std::chrono::seconds(5);
    exports.queues_.push_back(std::make_unique<ExportQueue>(std::move(*sink), options));
  }
  return exports;
}

void Exports::push(const std::shared_ptr<const SpanBatch>& batch) {
  for (const auto& queue : queues_) queue->push(batch);
}

void Exports::drain(std::chrono::milliseconds deadline) {
  std::vector<std::jthread> threads;
  threads.reserve(queues_.size());
  for (const auto& queue : queues_) {
    threads.emplace_back([&queue, deadline] { queue->drain(deadline); });
  }
}

ExportQueue::Statistics Exports::statistics() const {
  ExportQueue::Statistics sum;
  bool first = true;
  for (const auto& queue : queues_) {
    const auto one = queue->statistics();
    sum.exported = first ? one.exported : std::min(sum.exported, one.exported);
    sum.dropped_queue_full += one.dropped_queue_full;
    sum.dropped_failed += one.dropped_failed;
    sum.lost_at_shutdown += one.lost_at_shutdown;
    sum.retries += one.retries;
    first = false;
  }
  return sum;
}

}  // namespace clew
