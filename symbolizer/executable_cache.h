// What executables tell of themselves, read once for all processes that run them.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "symbolizer/executable.h"

namespace clew {

/// Knows a file by device, inode, size and time of change, so that a program built anew is read
/// anew. Keeps at most `capacity` files and forgets the oldest first. Not for two threads at a
/// time.
class ExecutableCache {
 public:
  explicit ExecutableCache(size_t capacity = 1024) : capacity_(capacity) {}

  /// Null if the file cannot be read or is no executable.
  std::shared_ptr<const ExecutableInfo> of_file(int fd);

  /// Of a process that still runs `executable`, a path as /proc/PID/exe gives it but without
  /// " (deleted)"; null if it has ended or runs another. Reaches into other mount namespaces.
  std::shared_ptr<const ExecutableInfo> of_process(uint32_t pid, const std::string& executable);

 private:
  struct Key {
    uint64_t device, inode, size;
    int64_t seconds, nanoseconds;
    auto operator<=>(const Key&) const = default;
  };

  size_t capacity_;
  std::map<Key, std::shared_ptr<const ExecutableInfo>> entries_;
  std::deque<Key> order_;  // of arrival; the keys of entries_
};

}  // namespace clew
