// A queue that grows to a bound of its user's and then allocates no more: what is taken out is used
// again, with the memory it holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace clew::pgsql {

/// Elements are numbered from 0 in the order in which they are added; those from begin() to end()
/// are there.
template <typename T>
class Ring {
 public:
  /// The element is whatever was left there by one taken out before.
  T& add() {
    if (size() == slots_.size()) grow();
    return (*this)[end_++];
  }
  void take() { ++begin_; }
  uint64_t begin() const { return begin_; }
  uint64_t end() const { return end_; }
  size_t size() const { return static_cast<size_t>(end_ - begin_); }
  bool empty() const { return begin_ == end_; }
  T& front() { return (*this)[begin_]; }
  const T& front() const { return (*this)[begin_]; }
  T& operator[](uint64_t number) { return slots_[number & (slots_.size() - 1)]; }
  const T& operator[](uint64_t number) const { return slots_[number & (slots_.size() - 1)]; }

 private:
  void grow() {
    std::vector<T> grown(slots_.empty() ? 4 : slots_.size() * 2);
    for (uint64_t number = begin_; number < end_; ++number) {
      grown[number & (grown.size() - 1)] = std::move((*this)[number]);
    }
    slots_ = std::move(grown);
  }

  std::vector<T> slots_;  // a power of two
  uint64_t begin_ = 0, end_ = 0;
};

}  // namespace clew::pgsql
