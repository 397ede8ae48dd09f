#include "symbolizer/executable_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string_view>

namespace clew {
namespace {

// The path of an open file as /proc/PID/exe would show it.
std::string path_of(int fd) {
  std::array<char, 4096> target;
  const auto link = fmt::format("/proc/self/fd/{}", fd);
  const ssize_t length = readlink(link.c_str(), target.data(), target.size());
  if (length <= 0) return {};
  std::string_view path(target.data(), static_cast<size_t>(length));
  constexpr std::string_view kDeleted = " (deleted)";
  if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
  return std::string(path);
}

}  // namespace

std::shared_ptr<const ExecutableInfo> ExecutableCache::of_file(int fd) {
  struct stat status{};
  if (fstat(fd, &status) != 0) return nullptr;
  const Key key{status.st_dev, status.st_ino, static_cast<uint64_t>(status.st_size),
                status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
  if (const auto found = entries_.find(key); found != entries_.end()) return found->second;

  // A file that cannot be read is remembered too, as null: a thousand processes may run it.
  std::shared_ptr<const ExecutableInfo> info;
  if (auto read = read_executable(fd)) {
    info = std::make_shared<const ExecutableInfo>(std::move(*read));
  }
  if (capacity_ == 0) return info;
  if (order_.size() >= capacity_) {
    entries_.erase(order_.front());
    order_.pop_front();
  }
  entries_.emplace(key, info);
  order_.push_back(key);
  return info;
}

std::shared_ptr<const ExecutableInfo> ExecutableCache::of_process(uint32_t pid,
                                                                  const std::string& executable) {
  if (executable.empty()) return nullptr;
  const int fd = open(fmt::format("/proc/{}/exe", pid).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  // The path of what was opened rather than of /proc/PID/exe again: the process may change its
  // program in between.
  auto info = path_of(fd) == executable ? of_file(fd) : nullptr;
  close(fd);
  return info;
}

}  // namespace clew
