// Collects one span's name, status and attributes without allocating per attribute.
#pragma once

#include <span>
#include <string_view>

#include "exporter/span.h"

namespace clew {

/// Reused for one span after another: clear(), fill, then commit into a batch. Attributes are
/// encoded as they are given; name, status message and trace state must live until commit(). What
/// is no UTF-8 is replaced.
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
  void attribute(std::string_view key, std::string_view text) { attributes_.text(key, text); }
  void attribute(std::string_view key, const char* text) { attribute(key, std::string_view(text)); }
  template <size_t Size>
  void attribute(const char (&key)[Size], std::string_view text) {
    attributes_.text(key, text);
  }
  template <size_t Size>
  void attribute(const char (&key)[Size], const char* text) {
    attributes_.text(key, std::string_view(text));
  }
  template <size_t Size>
  void attribute(const char (&key)[Size], int64_t integer) {
    attributes_.integer(key, integer);
  }
  void attribute(std::string_view key, int64_t integer) { attributes_.integer(key, integer); }
  /// Attributes encoded before.
  void attributes(Attributes encoded) { attributes_.append(encoded); }
  void attribute(std::string_view key, bool value) = delete;  // say boolean()
  template <size_t Size>
  void attribute(const char (&key)[Size], bool value) = delete;
  void boolean(std::string_view key, bool value) { attributes_.boolean(key, value); }
  /// Whether an attribute of that key was given since clear().
  bool has(std::string_view key) const { return attributes_.written().contains(key); }
  /// A key made at run time, such as http.request.header.<name>, with a list value.
  void list_with_key_copy(std::string_view key, std::span<const std::string_view> values) {
    attributes_.list(key, values);
  }

  /// Adds the span to `batch`. `span` brings ids, times, kind and resource; the rest is taken from
  /// here.
  void commit(Span span, SpanBatch& batch) const;

 private:
  std::string_view name_;
  std::string_view path_;
  bool path_exists_ = false;
  std::string_view status_message_;
  std::string_view trace_state_;
  SpanStatus status_ = SpanStatus::Unset;
  AttributeWriter attributes_;
};

}  // namespace clew
