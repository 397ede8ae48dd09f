// Collects one span's name, status and attributes without allocating per attribute.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/span.h"

namespace clew {

/// Reused for one span after another: clear(), fill, then commit into a batch. Views given here
/// must live until commit(), which copies text into the batch's arena (keys are taken as they are
/// and must be static strings, except where the name says that they are copied).
class SpanBuilder {
 public:
  void clear();
  void name(std::string_view name) { name_ = name; }
  std::string_view name() const { return name_; }
  /// The path of a request, for whoever makes a route of it; the name is then the method. `exists`
  /// is false where the answer says that there is nothing of that path.
  void request_path(std::string_view path, bool exists) {
    path_ = path;
    path_exists_ = exists;
  }
  /// Empty if there is none.
  std::string_view request_path() const { return path_; }
  bool path_exists() const { return path_exists_; }
  void status(SpanStatus status, std::string_view message = {}) {
    status_ = status;
    status_message_ = message;
  }
  void trace_state(std::string_view state) { trace_state_ = state; }
  void attribute(std::string_view key, std::string_view text);
  void attribute(std::string_view key, const char* text) { attribute(key, std::string_view(text)); }
  void attribute(std::string_view key, int64_t integer);
  void attribute(std::string_view key, bool value) = delete;  // say boolean()
  void boolean(std::string_view key, bool value);
  /// Whether an attribute of that key was given since clear().
  bool has(std::string_view key) const;
  /// A key made at run time, such as http.request.header.<name>, with a list value.
  void list_with_key_copy(std::string_view key, std::span<const std::string_view> values);

  /// Adds the span to `batch`. `span` brings ids, times, kind and resource; the rest is taken from
  /// here.
  void commit(Span span, SpanBatch& batch) const;

 private:
  // Offsets, not views: the vectors they point into move while they grow.
  struct Pending {
    Attribute attribute;
    uint32_t copied_key_first = 0, copied_key_size = 0;  // in copied_keys_, where size is not 0
    uint32_t list_first = 0, list_size = 0;              // in list_items_
  };

  std::string_view name_;
  std::string_view path_;
  bool path_exists_ = false;
  std::string_view status_message_;
  std::string_view trace_state_;
  SpanStatus status_ = SpanStatus::Unset;
  std::vector<Pending> attributes_;
  std::vector<std::string_view> list_items_;
  std::string copied_keys_;
};

}  // namespace clew
