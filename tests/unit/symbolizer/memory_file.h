// A file of given bytes that only the test sees.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

namespace clew {

class MemoryFile {
 public:
  explicit MemoryFile(const std::string& content = {}) { append(content); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(fd_); }

  int fd() const { return fd_; }
  void append(const std::string& bytes) {
    write_at(bytes, size_);
    size_ += bytes.size();
  }
  void write_at(const std::string& bytes, size_t offset) {
    ASSERT_EQ(pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset)),
              static_cast<ssize_t>(bytes.size()));
  }
  void resize(size_t size) {
    ASSERT_EQ(ftruncate(fd_, static_cast<off_t>(size)), 0);
    size_ = size;
  }

 private:
  int fd_ = memfd_create("test", MFD_CLOEXEC);
  size_t size_ = 0;
};

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

template <typename T>
std::string bytes_of(const T& object) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &object, sizeof(T));
  return bytes;
}

}  // namespace clew
