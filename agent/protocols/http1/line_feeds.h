// Finds the line feeds of a header block: lines are short, and a call of memchr for each costs more
// than looking at 64 bytes at once.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace clew::http1 {

/// The line feeds of `size` bytes at `base`, from offset `from` on. Reads nothing beyond them.
class LineFeeds {
 public:
  LineFeeds(const char* base, size_t from, size_t size)
      : base_(base), at_(from - kBlock), size_(size) {}

  /// The next one's offset; the size if there is none.
  size_t next() {
#ifdef __SSE2__
    while (found_ == 0) {
      at_ += kBlock;
      if (at_ >= size_) return size_;
      found_ = look();
    }
    const size_t offset = at_ + static_cast<size_t>(std::countr_zero(found_));
    found_ &= found_ - 1;
    return offset;
#else
    if (at_ >= size_) return size_;
    const void* found = std::memchr(base_ + at_, '\n', size_ - at_);
    if (found == nullptr) return at_ = size_;
    at_ = static_cast<size_t>(static_cast<const char*>(found) - base_) + 1;
    return at_ - 1;
#endif
  }

 private:
#ifdef __SSE2__
  static constexpr size_t kBlock = 64;

  static uint64_t find(const char* part) {
    const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(part));
    return static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'))));
  }
  static uint64_t find_in_block(const char* block) {
    return find(block) | find(block + 16) << 16 | find(block + 32) << 32 | find(block + 48) << 48;
  }

  // What is left at the end is looked at in a block that begins before it, or in a copy.
  uint64_t look() const {
    if (at_ + kBlock <= size_) return find_in_block(base_ + at_);
    if (size_ >= kBlock) return find_in_block(base_ + size_ - kBlock) >> (at_ + kBlock - size_);
    std::array<char, kBlock> block{};
    std::copy(base_ + at_, base_ + size_, block.data());
    return find_in_block(block.data());
  }

  uint64_t found_ = 0;  // a bit for each in the block at at_ that was not given yet
#else
  static constexpr size_t kBlock = 0;
#endif
  const char* base_;
  size_t at_, size_;
};

}  // namespace clew::http1
