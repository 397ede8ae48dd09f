// A queue for elements that are few as a rule, may be thousands, and leave in about the order in
// which they came: as small as a vector while it is empty, and its front is taken without moving
// the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace clew {

/// Pointers and iterators are those of a vector: any change makes them invalid.
template <typename T>
class FrontQueue {
 public:
  auto begin() { return items_.begin() + static_cast<std::ptrdiff_t>(first_); }
  auto end() { return items_.end(); }
  auto begin() const { return items_.begin() + static_cast<std::ptrdiff_t>(first_); }
  auto end() const { return items_.end(); }
  size_t size() const { return items_.size() - first_; }
  bool empty() const { return items_.size() == first_; }
  T& front() { return items_[first_]; }
  T& back() { return items_.back(); }

  template <typename... Arguments>
  T& emplace_back(Arguments&&... arguments) {
    // Grows into the room at the front where that is half of it, at least.
    if (items_.size() == items_.capacity() && first_ > items_.size() / 2) drop_taken();
    return items_.emplace_back(std::forward<Arguments>(arguments)...);
  }

  /// Removes and returns the element at `at`.
  T take(typename std::vector<T>::iterator at) {
    T item = std::move(*at);
    if (at != begin()) {
      items_.erase(at);
    } else if (++first_ == items_.size()) {
      items_.clear();
      first_ = 0;
    }
    return item;
  }

  /// Removes the first `count`.
  void drop_front(size_t count) {
    items_.erase(items_.begin(), begin() + static_cast<std::ptrdiff_t>(count));
    first_ = 0;
  }

 private:
  void drop_taken() { drop_front(0); }

  std::vector<T> items_;
  size_t first_ = 0;  // those before were taken
};

}  // namespace clew
