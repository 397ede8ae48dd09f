#include "agent/runtime/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace clew {
namespace {

struct Pipe {
  Fd read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return system_error("pipe", errno);
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

[[noreturn]] void run_in_child(std::vector<std::string>& command_line, int go, int failure_fd) {
  char byte = 0;
  ssize_t length = 0;
  do {
    length = read(go, &byte, 1);
  } while (length < 0 && errno == EINTR);
  if (length != 1) _exit(0);
  std::vector<char*> arguments;
  arguments.reserve(command_line.size() + 1);
  for (auto& argument : command_line) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  const int code = errno;
  [[maybe_unused]] const ssize_t written = write(failure_fd, &code, sizeof(code));
  _exit(code == ENOENT ? 127 : 126);
}

}  // namespace

Result<Child> Child::prepare(std::vector<std::string> command_line) {
  auto go = make_pipe();
  if (!go) return std::unexpected(go.error());
  auto failed = make_pipe();
  if (!failed) return std::unexpected(failed.error());
  Child child;
  child.pid_ = fork();
  if (child.pid_ < 0) return system_error("fork", errno);
  if (child.pid_ == 0) {
    go->write.reset();
    run_in_child(command_line, go->read.get(), failed->write.get());
  }
  child.go_ = std::move(go->write);
  child.failure_ = std::move(failed->read);
  return child;
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      go_(std::move(other.go_)),
      failure_(std::move(other.failure_)),
      exit_code_(other.exit_code_) {
}

Child::~Child() {
  if (pid_ < 0 || !go_) return;
  go_.reset();
  waitpid(pid_, nullptr, 0);
}

Result<> Child::start() {
  const char byte = 1;
  if (write(go_.get(), &byte, 1) != 1) return system_error("starting the command", errno);
  go_.reset();
  int code = 0;
  ssize_t length = 0;
  do {
    length = read(failure_.get(), &code, sizeof(code));
  } while (length < 0 && errno == EINTR);
  failure_.reset();
  if (length == sizeof(code)) return system_error("cannot run the command", code);
  return {};
}

std::optional<int> Child::poll_exit() {
  if (exit_code_) return exit_code_;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_code_;
}

void Child::signal(int number) const {
  if (!exit_code_) kill(pid_, number);
}

}  // namespace clew
