#include "exporter/console/console_sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "exporter/console/held_traces.h"
#include "exporter/console/render.h"
#include "exporter/console/span_summary.h"
#include "exporter/console/terminal.h"
#include "exporter/console/text.h"

namespace clew {
namespace {

using console::HeldTrace;
using console::humane_count;
using console::TimePoint;

constexpr std::chrono::milliseconds due_check_interval{50};
constexpr std::chrono::seconds rate_window{1};

/// What was not printed trace by trace, until one line says so.
struct Unshown {
  uint64_t traces = 0;
  uint64_t spans = 0;
  uint64_t failed_traces = 0;
  uint64_t slowest_ns = 0;

  void add(const HeldTrace& trace) {
    uint64_t start = UINT64_MAX;
    uint64_t end = 0;
    bool failed = false;
    for (const console::SpanSummary& span : trace.spans) {
      start = std::min(start, span.start_ns);
      end = std::max(end, span.end_ns);
      failed = failed || span.failed;
    }
    traces += trace.late ? 0 : 1;  // a late part belongs to a trace that is counted or printed
    spans += trace.spans.size();
    failed_traces += failed ? 1 : 0;
    slowest_ns = std::max(slowest_ns, end - start);
  }

  std::string text() const {
    std::string out =
        traces == 0
            ? fmt::format("… {} more spans of traces above", humane_count(spans))
            : fmt::format("… {} more traces ({} spans)", humane_count(traces), humane_count(spans));
    out += fmt::format(", slowest {}", console::humane_duration(slowest_ns));
    if (failed_traces > 0) out += fmt::format(", {} with errors", humane_count(failed_traces));
    return out + "\n";
  }
};

class ConsoleSink final : public Sink {
 public:
  explicit ConsoleSink(ConsoleOptions options)
      : options_(std::move(options)),
        held_({.quiet = options_.quiet, .most = options_.patience}),
        writer_(options_.fd, options_.write_patience) {}

  std::string_view name() const override { return "console"; }

  Delivery deliver(const SpanBatch& batch) override {
    if (writer_.broken()) {
      return {.outcome = Delivery::Outcome::Failed, .message = farewell()};
    }
    const TimePoint now = options_.now();
    for (const Span& span : batch.spans()) {
      held_.add(span.trace_id, console::summarise(span, batch.resources().at(span.resource)), now);
      while (held_.traces() > options_.max_traces || held_.spans() > options_.max_spans) {
        show(*held_.take_oldest(), now);
      }
    }
    if (now - last_check_ >= due_check_interval) show_due(now);
    return {.message = writer_.broken() ? farewell() : std::string()};
  }

  void idle() override {
    if (!writer_.broken()) show_due(options_.now());
  }

  void finish() override {
    const TimePoint now = options_.now();
    while (auto trace = held_.take_oldest()) show(*trace, now);
    show_unshown();
  }

 private:
  void show_due(TimePoint now) {
    last_check_ = now;
    roll_window(now);
    while (auto trace = held_.take_due(now)) show(*trace, now);
  }

  void roll_window(TimePoint now) {
    if (now - window_start_ < rate_window) return;
    window_start_ = now;
    shown_in_window_ = 0;
    show_unshown();
  }

  void show(const HeldTrace& trace, TimePoint now) {
    roll_window(now);
    if (shown_in_window_ >= options_.max_traces_per_second) {
      unshown_.add(trace);
      return;
    }
    ++shown_in_window_;
    const size_t width = options_.width > 0 ? options_.width : console::terminal_width(options_.fd);
    // A blank line between traces; the first needs none.
    std::string text = std::exchange(shown_any_, true) ? "\n" : "";
    text += console::render_trace(
        trace.id, trace.spans,
        {.width = width, .color = options_.color, .late = trace.late, .max_lines = 200});
    if (!written(text)) unshown_.add(trace);
  }

  void show_unshown() {
    if (unshown_.spans > 0 && written(unshown_.text())) unshown_ = {};
  }

  bool written(std::string_view text) {
    return writer_.write(text) == console::TerminalWriter::Result::Written;
  }

  // What there is to say when the descriptor broke, once: every span taken over and not shown
  // counts.
  std::string farewell() {
    if (std::exchange(told_broken_, true)) return {};
    while (const auto trace = held_.take_oldest()) unshown_.add(*trace);
    return fmt::format("console output: {}; {} spans are not shown", std::strerror(writer_.error()),
                       humane_count(unshown_.spans));
  }

  ConsoleOptions options_;
  console::HeldTraces held_;
  console::TerminalWriter writer_;
  Unshown unshown_;
  TimePoint last_check_{};
  TimePoint window_start_{};
  size_t shown_in_window_ = 0;
  bool shown_any_ = false;
  bool told_broken_ = false;
};

}  // namespace

ConsoleOptions ConsoleOptions::for_terminal(int fd) {
  ConsoleOptions options;
  options.fd = fd;
  options.color = console::terminal_wants_color(fd);
  return options;
}

std::unique_ptr<Sink> make_console_sink(ConsoleOptions options) {
  return std::make_unique<ConsoleSink>(std::move(options));
}

}  // namespace clew
