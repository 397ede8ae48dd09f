// Arbitrary bytes as the kernel's records. Whatever they say, the pipeline keeps to its bounds, and
// every span that it counts comes out in the end.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "agent/pipeline/pipeline.h"
#include "tests/fuzz/pipeline_records.h"

namespace {

using clew::Pipeline;

constexpr size_t kConnections = 8;
constexpr uint64_t kTick = 60'000'000;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

// Few processes, none of which exist: what /proc says of random ones would make runs differ.
void tame_process(std::vector<uint8_t>& record) {
  if (record.size() < sizeof(clew_record)) return;
  uint32_t tgid = 0;
  std::memcpy(&tgid, record.data() + offsetof(clew_record, tgid), sizeof(tgid));
  tgid = tgid % 8 == 0 ? 0 : 10'000'000 + tgid % 8;
  std::memcpy(record.data() + offsetof(clew_record, tgid), &tgid, sizeof(tgid));
}

class Judge final : public clew::ProcessObserver {
 public:
  void on_fork(uint32_t, uint32_t) override {}
  void on_exec(const clew_process&, clew::ByteView arguments) override {
    clew::split_arguments(clew::as_text(arguments));
  }
  void on_listen(uint32_t, uint16_t) override {}
  void on_exit(uint32_t) override {}
  bool wants(uint32_t tgid) override { return tgid != 10'000'007; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  size_t released = 0;
  Pipeline pipeline({.connections = kConnections,
                     .stream = {.held_bytes = 4096, .held_segments = 16, .patience_ns = kTick}},
                    {}, [&](const std::shared_ptr<const clew::SpanBatch>& batch) {
                      released += batch->spans().size();
                      for (const auto& span : batch->spans()) {
                        require(span.end_unix_ns >= span.start_unix_ns,
                                "a span ends after it began");
                        require(span.resource < batch->resources().size(), "a span has a resource");
                      }
                    });
  Judge judge;
  pipeline.set_observer(&judge);

  uint64_t now_ns = kTick;
  clew::RecordSequence records({data, size});
  while (auto record = records.next()) {
    if (record->empty()) {
      pipeline.tick(now_ns += kTick);
    } else {
      tame_process(*record);
      pipeline.on_record(*record);
    }
    require(pipeline.connections() <= kConnections, "connections are bounded");
  }
  pipeline.finish(now_ns);
  require(pipeline.connections() == 0, "nothing is left of the connections");
  require(released == pipeline.counters()[clew::Counter::spans], "every span is released");
  return 0;
}
