#include "exporter/file_sink.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "exporter/otlp_json.h"

namespace clew {
namespace {

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// Turns the signals of a failed write (pipe without reader, file size limit) into errors, for this
// thread alone: ignored in the whole process they would be so in the programs it starts, too.
class NoWriteSignals {
 public:
  NoWriteSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGPIPE);
    sigaddset(&signals_, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  }
  NoWriteSignals(const NoWriteSignals&) = delete;
  ~NoWriteSignals() {
    const timespec now{};
    while (sigtimedwait(&signals_, nullptr, &now) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t signals_;
  sigset_t before_;
};

class FileSink final : public Sink {
 public:
  FileSink(std::string name, Fd fd, Fd cancelled, bool regular, bool own)
      : name_(std::move(name)),
        fd_(std::move(fd)),
        cancelled_(std::move(cancelled)),
        regular_(regular),
        own_(own) {}

  std::string_view name() const override { return name_; }

  Delivery deliver(const SpanBatch& batch) override {
    if (batch.empty()) return {};
    line_.clear();
    encode_trace_request_json(batch, line_);
    line_.push_back('\n');

    const NoWriteSignals no_write_signals;
    if (!torn_.empty()) {
      const Written rest = write_all(torn_);
      torn_.erase(0, rest.error == EPIPE ? torn_.size() : rest.bytes);
      if (rest.error != 0) return outcome_of(rest.error);
    }
    const Written written = write_all(line_);
    if (written.error == 0) return {};
    // The next reader of a FIFO has not seen the beginning of the line.
    if (written.bytes != 0 && written.error != EPIPE && !cut_back(written.bytes)) {
      torn_ = line_.substr(written.bytes);
    }
    return outcome_of(written.error);
  }

  void cancel() override {
    const uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(cancelled_.get(), &one, sizeof one);
  }

 private:
  struct Written {
    size_t bytes;
    int error;  // 0, or what kept the rest from being written
  };

  Delivery outcome_of(int error) const {
    if (error == ECANCELED) return {.outcome = Delivery::Outcome::Retry, .message = "cancelled"};
    return {.outcome = Delivery::Outcome::Failed, .message = std::strerror(error)};
  }

  Written write_all(std::string_view bytes) {
    size_t done = 0;
    while (done < bytes.size()) {
      size_t size = bytes.size() - done;
      if (!regular_) {
        if (const int error = wait_writable(); error != 0) return {done, error};
        // A pipe that polls as writable takes this much without blocking.
        size = std::min<size_t>(size, PIPE_BUF);
      }
      const ssize_t n = ::write(fd_.get(), bytes.data() + done, size);
      if (n >= 0) {
        done += static_cast<size_t>(n);
      } else if (errno != EINTR && errno != EAGAIN) {
        return {done, errno};
      }
    }
    return {done, 0};
  }

  int wait_writable() {
    pollfd fds[] = {{.fd = fd_.get(), .events = POLLOUT, .revents = 0},
                    {.fd = cancelled_.get(), .events = POLLIN, .revents = 0}};
    while (true) {
      if (::poll(fds, 2, -1) < 0) {
        if (errno == EINTR) continue;
        return errno;
      }
      if (fds[0].revents != 0) return 0;  // errors show in write()
      if (fds[1].revents != 0) return ECANCELED;
    }
  }

  // Only where nobody else wrote since: their bytes are not ours to cut.
  bool cut_back(size_t torn_bytes) {
    if (!regular_ || !own_) return false;
    const off_t end = ::lseek(fd_.get(), 0, SEEK_CUR);
    struct stat status{};
    if (end < 0 || ::fstat(fd_.get(), &status) != 0 || status.st_size != end) return false;
    return ::ftruncate(fd_.get(), end - static_cast<off_t>(torn_bytes)) == 0;
  }

  const std::string name_;
  const Fd fd_;
  const Fd cancelled_;  // eventfd
  const bool regular_;
  const bool own_;  // opened here, so that nobody else's output shares its position
  std::string line_;
  std::string torn_;  // what is missing of the last line written
};

std::unexpected<Error> cannot_open(const std::string& path, int error) {
  return system_error("cannot write " + path, error);
}

}  // namespace

Result<std::unique_ptr<Sink>> make_file_sink(const std::string& path) {
  if (path.empty()) return failure("a file to write spans to needs a name");
  const bool standard_output = path == "-" || path == "/dev/stdout";
  // O_NONBLOCK: opening a FIFO without reader is an error instead of a hang.
  Fd fd(standard_output
            ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
            : ::open(path.c_str(),
                     O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644));
  if (fd.get() < 0) {
    if (errno == ENXIO) return failure("cannot write " + path + ": nobody reads it", ENXIO);
    return cannot_open(path, errno);
  }
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return cannot_open(path, errno);
  if (!standard_output && S_ISREG(status.st_mode)) {
    const int flags = ::fcntl(fd.get(), F_GETFL);
    if (::fcntl(fd.get(), F_SETFL, flags & ~O_NONBLOCK) != 0) return cannot_open(path, errno);
  }
  Fd cancelled(::eventfd(0, EFD_CLOEXEC));
  if (cancelled.get() < 0) return system_error("eventfd", errno);
  return std::make_unique<FileSink>(standard_output ? "standard output" : "file " + path,
                                    std::move(fd), std::move(cancelled), S_ISREG(status.st_mode),
                                    !standard_output);
}

}  // namespace clew
