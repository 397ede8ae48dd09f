// Owners of kernel resources.
#pragma once

#include <bpf/btf.h>
#include <unistd.h>

#include <memory>
#include <utility>

namespace clew {

/// Owns a file descriptor; closes it once.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }
  void reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

struct BtfCloser {
  void operator()(btf* data) const { btf__free(data); }
};
/// Owns type information.
using Btf = std::unique_ptr<btf, BtfCloser>;

}  // namespace clew
