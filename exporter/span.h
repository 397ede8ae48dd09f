// The span model that flows from the stitcher to the exporters: passive data in batches that own
// their memory, so that nothing is allocated per attribute.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/attributes.h"

namespace clew {

using TraceId = std::array<uint8_t, 16>;  ///< all zero means none
using SpanId = std::array<uint8_t, 8>;    ///< all zero means none

/// Numbers of opentelemetry.proto.trace.v1.Span.SpanKind.
enum class SpanKind : uint8_t { Internal = 1, Server = 2, Client = 3 };

/// Numbers of opentelemetry.proto.trace.v1.Status.StatusCode.
enum class SpanStatus : uint8_t { Unset = 0, Ok = 1, Error = 2 };

/// What is the same for all spans of one process. Immutable once shared.
struct Resource {
  struct Entry {
    std::string key;
    AttributeType type = AttributeType::Text;
    int64_t integer = 0;
    std::string text;
  };
  std::string service_name;  ///< also present in `attributes` as service.name
  std::vector<Entry> attributes;
  uint32_t process_id = 0;
  /// Works on each request as it reads it, up to the first call, before it reads another.
  bool runs_to_completion = false;
};

/// Views live in the batch's arena. Text is valid UTF-8, as OTLP demands: SpanBuilder sees to it.
struct Span {
  TraceId trace_id{};
  SpanId span_id{};
  SpanId parent_span_id{};
  SpanKind kind = SpanKind::Internal;
  SpanStatus status = SpanStatus::Unset;
  uint8_t trace_flags = 1;  ///< W3C trace flags (bit 0 sampled)
  uint32_t resource = 0;    ///< index into SpanBatch::resources()
  uint64_t start_unix_ns = 0;
  uint64_t end_unix_ns = 0;
  std::string_view name;
  std::string_view status_message;
  std::string_view trace_state;
  Attributes attributes;
};

/// Bump allocator: memory is released all at once with the batch.
class Arena {
 public:
  Arena() = default;
  Arena(Arena&& other) noexcept { *this = std::move(other); }
  Arena& operator=(Arena&& other) noexcept {
    blocks_ = std::exchange(other.blocks_, {});
    next_ = std::exchange(other.next_, nullptr);
    left_ = std::exchange(other.left_, 0);
    bytes_ = std::exchange(other.bytes_, 0);
    return *this;
  }
  /// Copies `text`; the view lives as long as the arena.
  std::string_view copy(std::string_view text);
  template <typename T>
  std::span<const T> copy(std::span<const T> items) {
    if (items.empty()) return {};
    T* to = static_cast<T*>(allocate(items.size_bytes(), alignof(T)));
    for (size_t i = 0; i < items.size(); ++i) new (to + i) T(items[i]);
    return {to, items.size()};
  }
  /// Room for `size` bytes, to be filled in.
  char* room(size_t size) { return static_cast<char*>(allocate(size, 1)); }
  /// Memory held, in bytes, used or not yet.
  size_t bytes() const { return bytes_; }

 private:
  void* allocate(size_t size, size_t alignment);

  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* next_ = nullptr;
  size_t left_ = 0;
  size_t bytes_ = 0;
};

/// A bounded group of finished spans. Built by one thread, then shared read-only among sinks.
class SpanBatch {
 public:
  Arena& arena() { return arena_; }
  const std::vector<Span>& spans() const { return spans_; }
  const std::vector<std::shared_ptr<const Resource>>& resources() const { return resources_; }
  bool empty() const { return spans_.empty(); }
  size_t bytes() const { return arena_.bytes() + spans_.size() * sizeof(Span); }

  /// Index of `resource` in this batch, adding it if new. Batches have few resources: linear
  /// search.
  uint32_t resource_index(const std::shared_ptr<const Resource>& resource);
  /// For what is known of a span only after it was added, before the batch is shared.
  Span& span(size_t index) { return spans_[index]; }
  /// What SpanBuilder::commit leaves free behind a span's attributes.
  static constexpr size_t kSpareBytes = 32;
  /// Adds one text attribute to a span that SpanBuilder::commit added: at most once for each span.
  /// Key and text must be valid UTF-8.
  void append_attribute(size_t index, std::string_view key, std::string_view text);
  /// `span`'s views must live in arena(), be static, or outlive the batch.
  void add(const Span& span) { spans_.push_back(span); }

 private:
  Arena arena_;
  std::vector<Span> spans_;
  std::vector<std::shared_ptr<const Resource>> resources_;
};

}  // namespace clew
