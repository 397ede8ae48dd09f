// One request and its response, as far as a span needs to know them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/protocols/http1/messages.h"
#include "agent/protocols/protocol.h"

namespace clew::http1 {

/// What is kept of a request target, a Host and a User-Agent; the rest is cut off.
constexpr size_t kMaxTargetBytes = 8192;
constexpr size_t kMaxHostBytes = 256;
constexpr size_t kMaxUserAgentBytes = 1024;
/// What is kept of a captured header's value, and of all of them in one message.
constexpr size_t kMaxHeaderValueBytes = 1024;
constexpr size_t kMaxHeaderBytes = 8192;

/// Keeps its text in one string, which is reused for the next exchange: nothing is allocated once
/// the string is large enough.
class Exchange {
 public:
  /// Forgets the last exchange.
  void clear();
  /// Takes over what the request's head says. Credentials and signatures are redacted here, so that
  /// they are kept nowhere.
  /// `settings` must outlive the exchange.
  void set_request(const Head& head, const HttpSettings& settings);
  void set_response(const Head& head);
  void set_malformed_request() { request_malformed_ = true; }
  void set_ended(MessageEvent::How how) { how_ = how; }

  bool head_known() const { return head_known_; }
  bool response_started() const { return status_ != 0; }
  bool request_malformed() const { return request_malformed_; }
  bool is_head() const { return text(method_) == "HEAD"; }
  bool is_connect() const { return text(method_) == "CONNECT"; }
  /// Kept of the request.
  size_t text_bytes() const { return request_bytes_; }

  /// Fills in name, attributes and status by the stable HTTP conventions. Views point into this.
  void describe(SpanKind kind, SpanBuilder& span) const;

 private:
  struct Range {
    uint32_t at = 0, size = 0;
  };

  Range append(std::string_view text);
  void append_query(std::string_view query);
  bool is_sensitive(std::string_view parameter) const;
  void append_headers(const Head& head);
  void describe_headers(std::string_view prefix, const std::vector<std::string>& names,
                        size_t first, size_t last, SpanBuilder& span) const;
  void describe_path(SpanBuilder& span) const;
  void set_authority(std::string_view authority);
  void set_target(std::string_view target, std::string_view host);
  void describe_url(SpanKind kind, SpanBuilder& span) const;
  void describe_outcome(SpanKind kind, SpanBuilder& span) const;
  std::string_view text(Range range) const {
    return std::string_view(text_).substr(range.at, range.size);
  }

  struct Header {
    uint16_t name;
    Range value;
  };

  const HttpSettings* settings_ = nullptr;
  std::string text_;
  size_t request_bytes_ = 0;
  std::vector<Header> headers_;  // of the request, then of the response
  size_t request_headers_ = 0;
  Range method_, url_, path_, query_, host_, user_agent_;
  bool has_url_ = false, has_query_ = false;
  bool head_known_ = false;
  bool request_malformed_ = false;
  uint8_t minor_version_ = 1;
  MessageEvent::How how_ = MessageEvent::How::Complete;
  uint16_t port_ = 0;    // 0: not given
  uint16_t status_ = 0;  // 0: none seen
  std::array<char, 3> status_text_{};
};

}  // namespace clew::http1
