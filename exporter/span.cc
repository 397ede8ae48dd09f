#include "exporter/span.h"

#include <algorithm>
#include <cstring>

namespace clew {
namespace {

// Blocks double from the first size to the last: a batch of one span stays small, a full one takes
// few allocations.
constexpr size_t kFirstBlock = 4 << 10;
constexpr size_t kLastBlock = 256 << 10;

}  // namespace

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  char* to = static_cast<char*>(allocate(text.size(), 1));
  std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

void* Arena::allocate(size_t size, size_t alignment) {
  void* place = next_;
  if (next_ != nullptr && std::align(alignment, size, place, left_) != nullptr) {
    next_ = static_cast<std::byte*>(place) + size;
    left_ -= size;
    return place;
  }
  const size_t block = std::min(kFirstBlock << std::min<size_t>(blocks_.size(), 8), kLastBlock);
  // What would take most of a block gets one of its own and leaves the current block in use.
  const bool own_block = size > block / 4;
  const size_t taken = own_block ? size : block;
  blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(taken));
  bytes_ += taken;
  std::byte* start = blocks_.back().get();
  if (!own_block) {
    next_ = start + size;
    left_ = taken - size;
  }
  return start;
}

uint32_t SpanBatch::resource_index(const std::shared_ptr<const Resource>& resource) {
  const auto found = std::find(resources_.begin(), resources_.end(), resource);
  const auto index = static_cast<uint32_t>(found - resources_.begin());
  if (found == resources_.end()) resources_.push_back(resource);
  return index;
}

void SpanBatch::append_attribute(size_t index, std::string_view key, std::string_view text) {
  Span& span = spans_[index];
  const std::string_view before = span.attributes.encoded();
  const size_t added = text_attribute_size(key, text);
  // The spare bytes are the arena's, were left for this, and are not const themselves.
  char* start = const_cast<char*>(before.data());
  if (added > kSpareBytes) {
    start = arena_.room(before.size() + added);
    wire::put_bytes(start, before);
  }
  write_text_attribute(start + before.size(), key, text);
  span.attributes = Attributes({start, before.size() + added});
}

}  // namespace clew
