#include "agent/protocols/http1/exchange.h"

#include <algorithm>
#include <charconv>

namespace clew::http1 {
namespace {

using How = MessageEvent::How;

constexpr size_t kKeepTextBytes = 2048;

// The values that http.request.method may have, but for _OTHER (semantic conventions 1.44).
constexpr std::array<std::string_view, 10> kMethods = {
    "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", "QUERY"};

constexpr std::string_view kRedacted = "REDACTED";
// Of a parameter's name; longer ones are as they are.
constexpr size_t kMaxDecodedName = 64;

// Answers that say that there is nothing of that path: made-up ones must not become routes.
constexpr std::array<uint16_t, 6> kNoSuchPath = {400, 404, 405, 410, 414, 501};

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// "%73ig" names the parameter "sig".
std::string_view decoded(std::string_view name, std::array<char, kMaxDecodedName>& room) {
  if (name.find('%') == name.npos || name.size() > room.size()) return name;
  size_t size = 0;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool is_code = name[i] == '%' && i + 2 < name.size() && hex_value(name[i + 1]) >= 0 &&
                         hex_value(name[i + 2]) >= 0;
    room[size++] =
        is_code ? static_cast<char>(hex_value(name[i + 1]) * 16 + hex_value(name[i + 2])) : name[i];
    if (is_code) i += 2;
  }
  return {room.data(), size};
}

template <typename T, size_t N>
bool contains(const std::array<T, N>& values, T value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

void Exchange::clear() {
  if (text_.capacity() > kKeepTextBytes) std::string().swap(text_);
  text_.clear();
  headers_.clear();
  settings_ = nullptr;
  request_bytes_ = request_headers_ = 0;
  method_ = url_ = path_ = query_ = host_ = user_agent_ = {};
  has_url_ = has_query_ = head_known_ = request_malformed_ = false;
  minor_version_ = 1;
  how_ = How::Complete;
  port_ = status_ = 0;
}

Exchange::Range Exchange::append(std::string_view text) {
  const Range range{.at = static_cast<uint32_t>(text_.size()),
                    .size = static_cast<uint32_t>(text.size())};
  text_ += text;
  return range;
}

void Exchange::set_request(const Head& head, const HttpSettings& settings) {
  settings_ = &settings;
  head_known_ = true;
  minor_version_ = head.minor_version;
  method_ = append(head.method);
  user_agent_ = append(head.user_agent.substr(0, kMaxUserAgentBytes));
  set_target(head.target.substr(0, kMaxTargetBytes), head.host.substr(0, kMaxHostBytes));
  append_headers(head);
  request_headers_ = headers_.size();
  request_bytes_ = text_.size();
}

void Exchange::append_headers(const Head& head) {
  size_t room = kMaxHeaderBytes;
  for (const CapturedHeader& header : head.captured) {
    const size_t size = std::min<size_t>({header.size, kMaxHeaderValueBytes, room});
    const Range value = append({head.base + header.at, size});
    // A line end inside stands for a blank (RFC 9112 section 5.2).
    const auto begin = text_.begin() + value.at;
    std::replace(begin, text_.end(), '\r', ' ');
    std::replace(begin, text_.end(), '\n', ' ');
    headers_.push_back({.name = header.name, .value = value});
    room -= size;
    if (room == 0) break;
  }
}

// Origin, absolute, authority or asterisk form (RFC 9112 section 3.2). The URL is composed once,
// and path, query and host are parts of it.
void Exchange::set_target(std::string_view target, std::string_view host) {
  const uint32_t start = static_cast<uint32_t>(text_.size());
  if (is_connect()) {
    set_authority(target);
    url_ = {.at = start, .size = static_cast<uint32_t>(text_.size()) - start};
    has_url_ = !target.empty();
    return;
  }
  if (!target.empty() && target.front() != '/' && target.front() != '*') {
    const size_t scheme = target.find("://");
    if (scheme != target.npos) {
      append(target.substr(0, scheme + 3));
      target.remove_prefix(scheme + 3);
      const size_t authority = std::min(target.find_first_of("/?"), target.size());
      host = target.substr(0, authority);
      target.remove_prefix(authority);
      const size_t credentials = host.rfind('@');
      if (credentials != host.npos) {
        const bool has_password = host.substr(0, credentials).find(':') != host.npos;
        append(kRedacted);
        if (has_password) append(":REDACTED");
        append("@");
        host.remove_prefix(credentials + 1);
      }
    }
  } else {
    append("http://");
  }
  set_authority(host);
  has_url_ = !host.empty();
  const size_t question = std::min(target.find('?'), target.size());
  path_ = append(target.substr(0, question));
  if (target == "*") {
    // The URL of "OPTIONS *" has no path (RFC 9110 section 7.1).
    url_ = {.at = start, .size = path_.at - start};
    return;
  }
  if (question < target.size() && settings_->query != HttpSettings::Query::Off) {
    has_query_ = true;
    append_query(target.substr(question));
  }
  url_ = {.at = start, .size = static_cast<uint32_t>(text_.size()) - start};
}

// With the '?' that it begins with. What needs no redaction is appended in one go.
void Exchange::append_query(std::string_view query) {
  query_.at = static_cast<uint32_t>(text_.size()) + 1;
  size_t appended = 0;
  for (size_t at = 1; at <= query.size();) {
    const size_t end = std::min(query.find('&', at), query.size());
    const size_t equals = query.substr(0, end).find('=', at);
    if (equals != query.npos && is_sensitive(query.substr(at, equals - at))) {
      append(query.substr(appended, equals + 1 - appended));
      append(kRedacted);
      appended = end;
    }
    at = end + 1;
  }
  append(query.substr(appended));
  query_.size = static_cast<uint32_t>(text_.size()) - query_.at;
}

bool Exchange::is_sensitive(std::string_view parameter) const {
  if (settings_->query == HttpSettings::Query::Keys) return true;
  const auto& names = settings_->sensitive_query_parameters;
  std::array<char, kMaxDecodedName> room;
  return std::find(names.begin(), names.end(), decoded(parameter, room)) != names.end();
}

// host, host:port, [v6] or [v6]:port.
void Exchange::set_authority(std::string_view authority) {
  const uint32_t start = append(authority).at;
  size_t name = authority.find(':');
  const bool is_v6 = authority.starts_with('[') && authority.find(']') != authority.npos;
  if (is_v6) name = authority.find(']') + 1;
  name = std::min(name, authority.size());
  host_ = is_v6 ? Range{.at = start + 1, .size = static_cast<uint32_t>(name) - 2}
                : Range{.at = start, .size = static_cast<uint32_t>(name)};
  if (name == authority.size() || authority[name] != ':') return;
  const char* end = authority.data() + authority.size();
  uint16_t port = 0;
  const auto parsed = std::from_chars(authority.data() + name + 1, end, port);
  if (parsed.ec == std::errc() && parsed.ptr == end) port_ = port;
}

void Exchange::set_response(const Head& head) {
  status_ = head.status;
  status_text_ = {static_cast<char>('0' + status_ / 100),
                  static_cast<char>('0' + status_ / 10 % 10),
                  static_cast<char>('0' + status_ % 10)};
  append_headers(head);
}

void Exchange::describe(SpanKind kind, SpanBuilder& span) const {
  const std::string_view method = text(method_);
  if (contains(kMethods, method)) {
    span.name(method);
    span.attribute("http.request.method", method);
  } else {
    span.name("HTTP");
    span.attribute("http.request.method", "_OTHER");
    if (!method.empty()) span.attribute("http.request.method_original", method);
  }
  if (!method.empty()) {
    describe_url(kind, span);
    describe_path(span);
    span.attribute("network.protocol.version", minor_version_ == 0 ? "1.0" : "1.1");
  }
  describe_outcome(kind, span);
  if (headers_.empty()) return;
  describe_headers("http.request.header.", settings_->request_headers, 0, request_headers_, span);
  describe_headers("http.response.header.", settings_->response_headers, request_headers_,
                   headers_.size(), span);
}

// One attribute for each name, with the values of its lines in their order.
void Exchange::describe_headers(std::string_view prefix, const std::vector<std::string>& names,
                                size_t first, size_t last, SpanBuilder& span) const {
  for (size_t name = 0; name < names.size() && first < last; ++name) {
    std::array<std::string_view, kMaxCapturedValues> values;
    size_t count = 0;
    for (size_t i = first; i < last; ++i) {
      if (headers_[i].name == name) values[count++] = text(headers_[i].value);
    }
    if (count == 0) continue;
    std::string key(prefix);
    key.append(names[name]);
    span.list_with_key_copy(key, std::span(values).first(count));
  }
}

void Exchange::describe_path(SpanBuilder& span) const {
  const std::string_view path = text(path_);
  if (is_connect() || path == "*") return;
  span.request_path(path.empty() ? "/" : path, !contains(kNoSuchPath, status_));
}

void Exchange::describe_url(SpanKind kind, SpanBuilder& span) const {
  if (kind == SpanKind::Server) {
    span.attribute("url.scheme", "http");
    if (user_agent_.size != 0) span.attribute("user_agent.original", text(user_agent_));
  }
  if (kind == SpanKind::Client && has_url_) {
    span.attribute("url.full", text(url_));
  } else {
    span.attribute("url.path", text(path_));
    if (has_query_) span.attribute("url.query", text(query_));
  }
  if (host_.size != 0) {
    span.attribute("server.address", text(host_));
    if (port_ != 0) span.attribute("server.port", int64_t{port_});
  }
}

void Exchange::describe_outcome(SpanKind kind, SpanBuilder& span) const {
  if (status_ != 0) span.attribute("http.response.status_code", int64_t{status_});
  const char* trouble = nullptr;
  switch (how_) {
    case How::Malformed:
      trouble = "malformed";
      break;
    case How::GapLost:
    case How::Unfinished:
      span.boolean("clew.incomplete", true);
      break;
    case How::Complete:
    case How::Unanswered:
    case How::Cut:
      break;
  }
  const uint16_t first_error = kind == SpanKind::Client ? 400 : 500;
  if (status_ >= first_error) {
    span.attribute("error.type", std::string_view(status_text_.data(), status_text_.size()));
  } else if (trouble != nullptr) {
    span.attribute("error.type", trouble);
  } else {
    return;
  }
  span.status(SpanStatus::Error);
}

}  // namespace clew::http1
