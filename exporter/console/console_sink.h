// The console sink: a live tree per trace on a terminal.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "exporter/sink.h"

namespace clew {

struct ConsoleOptions {
  int fd = STDERR_FILENO;  ///< borrowed; its mode is left alone
  bool color = false;
  size_t width = 0;  ///< columns; 0 asks the terminal before each trace, so that it may be resized

  /// A trace is printed when nothing came for `quiet` and no parent is still to come, or `patience`
  /// after its first span.
  std::chrono::milliseconds quiet{300};
  std::chrono::milliseconds patience{2000};
  /// How long one text may wait for a reader that does not read.
  std::chrono::milliseconds write_patience{1000};

  /// Held back at most; beyond, the oldest traces are printed at once.
  size_t max_traces = 1000;
  size_t max_spans = 50000;
  /// Printed at most; traces beyond are summed up in one line when the second is over.
  size_t max_traces_per_second = 200;

  /// Replaced by tests.
  std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;

  /// What suits `fd`: color only on a terminal that is not dumb, with NO_COLOR unset; width 0.
  static ConsoleOptions for_terminal(int fd);
};

/// Never asks for a retry. Delivered means taken over: what later cannot be shown, because the
/// reader is too slow or the traces too many, is summed up in a line of its own. Once the
/// descriptor is broken (EPIPE and the like; SIGPIPE is the caller's to ignore) every delivery
/// fails, the first with a message.
std::unique_ptr<Sink> make_console_sink(ConsoleOptions options);

}  // namespace clew
