#include "agent/runtime/agent.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <optional>

#include "agent/pipeline/pipeline.h"
#include "agent/runtime/child.h"
#include "agent/runtime/exports.h"
#include "agent/runtime/followed.h"
#include "agent/runtime/summary.h"
#include "probes/capture.h"
#include "probes/features.h"
#include "probes/handles.h"

namespace clew {
namespace {

constexpr int kBadUsage = 2;
constexpr int kNotPossibleHere = 3;

constexpr auto kWait = std::chrono::milliseconds(50);        // longest sleep, and the tick
constexpr auto kGather = std::chrono::microseconds(10'000);  // records are read in batches this old
constexpr auto kLook = std::chrono::milliseconds(10);        // while records come, none may wake us
constexpr size_t kBacklog = 8192;          // records in a batch: there are more, do not wait
constexpr uint64_t kSettle = 100'000'000;  // records that trail a command's end
constexpr auto kDrainDeadline = std::chrono::seconds(5);

uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

uint64_t monotonic_ns() {
  return clock_ns(CLOCK_MONOTONIC);
}

void say(const std::string& line) {
  const std::string text = "clew: " + line + "\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

/// SIGINT, SIGTERM, SIGHUP and SIGCHLD, read instead of delivered.
class Signals {
 public:
  Signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&set, number);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    fd_ = Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  int fd() const { return fd_.get(); }
  std::optional<signalfd_siginfo> next() {
    signalfd_siginfo info{};
    if (read(fd_.get(), &info, sizeof(info)) != sizeof(info)) return std::nullopt;
    return info;
  }

 private:
  Fd fd_;
};

class Agent {
 public:
  Agent(const Invocation& invocation, std::optional<Child> child)
      : invocation_(invocation),
        child_(std::move(child)),
        selection_(invocation.config.select),
        pipeline_(
            limits(invocation.config), resources(invocation.config),
            [this](const auto& batch) { exports_->push(batch); }, settings(invocation.config)) {}

  int run();

 private:
  static Pipeline::Limits limits(const Config& config);
  static ResourceSettings resources(const Config& config);
  static Pipeline::Settings settings(const Config& config);
  int start();
  void loop();
  void handle_signals();
  void read_records();
  void set_clock();
  bool done(uint64_t now_ns);
  int finish();

  const Invocation& invocation_;
  Signals signals_;
  std::optional<Child> child_;
  Selection selection_;
  std::optional<Exports> exports_;
  Pipeline pipeline_;
  std::unique_ptr<Capture> capture_;
  std::optional<FollowedProcesses> followed_;
  bool stopping_ = false;
  std::optional<uint64_t> stop_at_ns_;
  std::optional<int> child_code_;
};

Pipeline::Limits Agent::limits(const Config& config) {
  Pipeline::Limits limits;
  limits.connections = config.limits.connections;
  limits.stream.held_bytes = config.limits.stream_buffer_bytes;
  return limits;
}

ResourceSettings Agent::resources(const Config& config) {
  return {config.resource.service_name, config.resource.attributes, CLEW_VERSION};
}

Pipeline::Settings Agent::settings(const Config& config) {
  Pipeline::Settings settings;
  settings.protocols = {config.capture.http, config.capture.sql, config.capture.redis};
  settings.routes = config.capture.routes;
  settings.routes.max_routes = config.limits.routes;
  return settings;
}

// Wall time can be set while we run; monotonic time cannot.
void Agent::set_clock() {
  pipeline_.set_clock_offset(clock_ns(CLOCK_REALTIME) - monotonic_ns());
}

int Agent::start() {
  const Features features = probe_features();
  if (const auto missing = missing_requirements(features); !missing.empty()) {
    for (const auto& line : missing) say(line);
    return kNotPossibleHere;
  }
  auto exports = Exports::open(invocation_.config);
  if (!exports) {
    say(exports.error().message);
    return kBadUsage;
  }
  exports_ = std::move(*exports);

  CaptureOptions options;
  options.ring_buffer_bytes = invocation_.config.capture.ring_buffer_bytes;
  options.select_all = selection_.selects_all();
  options.judge_executables = selection_.judges_executables();
  options.ports = selection_.ports();
  auto capture =
      Capture::load(options, features, [this](ByteView record) { pipeline_.on_record(record); });
  if (!capture) {
    say(capture.error().message);
    return kNotPossibleHere;
  }
  capture_ = std::move(*capture);
  if (const auto attached = capture_->attach(); !attached) {
    say(attached.error().message);
    return kNotPossibleHere;
  }
  followed_.emplace(selection_, *capture_, pipeline_.processes());
  pipeline_.set_observer(&*followed_);
  set_clock();
  if (const auto selected = followed_->select_running(); !selected) {
    say("--pid: " + selected.error().message);
    return kBadUsage;
  }
  if (child_) {
    if (const auto done = followed_->select(static_cast<uint32_t>(child_->pid())); !done) {
      say(done.error().message);
      return 1;
    }
  }
  // A process that is selected when it begins to listen has used its sockets before.
  if (options.ports.empty()) capture_->begin_sockets();
  // Records must not pile up while the programs that make them keep every core busy.
  setpriority(PRIO_PROCESS, 0, -5);
  return 0;
}

void Agent::handle_signals() {
  while (const auto info = signals_.next()) {
    switch (info->ssi_signo) {
      case SIGINT:
      case SIGTERM:
        // A terminal's Ctrl-C reaches the command by itself.
        if (child_ && info->ssi_code != SI_KERNEL)
          child_->signal(static_cast<int>(info->ssi_signo));
        if (!child_) stopping_ = true;
        break;
      case SIGHUP:
        spdlog::info("SIGHUP: reloading is not supported yet");
        break;
      default:
        break;
    }
  }
  if (child_ && !child_code_) {
    child_code_ = child_->poll_exit();
    if (child_code_) stop_at_ns_ = monotonic_ns() + kSettle;
  }
}

void Agent::read_records() {
  const auto count = capture_->drain();
  if (!count) spdlog::error("{}", count.error().message);
}

bool Agent::done(uint64_t now_ns) {
  return stopping_ || (stop_at_ns_ && *stop_at_ns_ <= now_ns);
}

void Agent::loop() {
  uint64_t next_tick = 0;
  size_t last = 0;
  while (true) {
    handle_signals();
    uint64_t now = monotonic_ns();
    if (done(now)) return;
    if (now >= next_tick) {
      pipeline_.tick(now);
      next_tick = now + static_cast<uint64_t>(std::chrono::nanoseconds(kWait).count());
    }
    pollfd waits[2] = {{capture_->poll_fd(), POLLIN, 0}, {signals_.fd(), POLLIN, 0}};
    const auto patience = last ? kLook : kWait;
    const int ready = poll(waits, 2, static_cast<int>(patience.count()));
    if (ready > 0 && waits[0].revents && last < kBacklog) {
      usleep(static_cast<useconds_t>(kGather.count()));
    }
    const auto count = capture_->drain();
    if (!count) {
      spdlog::error("{}", count.error().message);
      return;
    }
    last = *count;
    if (last == 0) set_clock();
  }
}

int Agent::finish() {
  read_records();
  pipeline_.finish(monotonic_ns());
  exports_->drain(kDrainDeadline);
  const auto kernel = capture_->counters();
  const auto exported = exports_->statistics();
  const auto lost = losses(kernel, capture_->costs(), pipeline_.counters(), exported);
  for (const auto& cause : lost)
    spdlog::warn("lost: {} {}: {}", cause.count, cause.name, cause.text);
  say(summary_line(pipeline_.counters()[Counter::segments], exported.exported, lost));
  return 0;
}

int Agent::run() {
  if (const int code = start()) return code;
  say("ready");
  if (invocation_.duration) {
    stop_at_ns_ = monotonic_ns() +
                  static_cast<uint64_t>(std::chrono::nanoseconds(*invocation_.duration).count());
  }
  if (child_) {
    if (const auto started = child_->start(); !started) {
      say(fmt::format("{}: {}", invocation_.command_line.front(), started.error().message));
      return started.error().code == ENOENT ? 127 : 126;
    }
  }
  loop();
  finish();
  if (!child_) return 0;
  // --for may end before the command does.
  while (!child_code_) {
    handle_signals();
    if (child_code_) break;
    pollfd wait{signals_.fd(), POLLIN, 0};
    poll(&wait, 1, -1);
  }
  return *child_code_;
}

}  // namespace

int run_agent(const Invocation& invocation) {
  std::optional<Child> child;
  if (!invocation.command_line.empty()) {
    auto prepared = Child::prepare(invocation.command_line);
    if (!prepared) {
      say(prepared.error().message);
      return kNotPossibleHere;
    }
    child.emplace(std::move(*prepared));
  }
  return Agent(invocation, std::move(child)).run();
}

}  // namespace clew
