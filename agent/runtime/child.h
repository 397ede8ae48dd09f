// The command that `clew trace -- CMD` starts: held back until capture is live, then left alone.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "probes/handles.h"

namespace clew {

class Child {
 public:
  /// Forks; the child waits for start(). To be called before threads exist and before signals are
  /// blocked, since the command gets the signal mask of this moment.
  static Result<Child> prepare(std::vector<std::string> command_line);
  /// Ends a child that was never started.
  ~Child();
  Child(Child&&) noexcept;
  Child& operator=(Child&&) = delete;

  pid_t pid() const { return pid_; }
  /// Lets the command run. An error if it could not be executed: its code is the errno value.
  Result<> start();
  /// The exit code as a shell would give it (128 + signal), once the command has ended.
  std::optional<int> poll_exit();
  void signal(int number) const;

 private:
  Child() = default;

  pid_t pid_ = -1;
  Fd go_;       // closing it without a byte tells the child to give up
  Fd failure_;  // the child writes errno here if exec failed; closed by a successful exec
  std::optional<int> exit_code_;
};

}  // namespace clew
