// What a reply changes, and what it tells of its command.
#include <utility>

#include "agent/protocols/redis/spans.h"

namespace clew::redis {
namespace {

// The word in capitals that errors begin with.
std::string_view error_prefix(std::string_view text) {
  size_t size = 0;
  while (size < text.size() && ((text[size] >= 'A' && text[size] <= 'Z') || text[size] == '_')) {
    ++size;
  }
  const bool is_word = size > 1 && size <= kMaxName && (size == text.size() || text[size] == ' ');
  return is_word ? text.substr(0, size) : "ERR";
}

constexpr std::string_view kValkeyInHello = "$6\r\nserver\r\n$6\r\nvalkey\r\n";
constexpr std::string_view kValkeyInInfo = "\nvalkey_version:";

}  // namespace

void RedisSession::apply_reply(Exchange& exchange, const Reply& reply) {
  exchange.database = database_;
  const bool fails_inside =
      exchange.effect() == Effect::Exec && reply.type == '*' && !reply.nested_error.empty();
  if (reply.is_error() || fails_inside) {
    exchange.unknown_command =
        exchange.spec == nullptr && reply.text.starts_with("ERR unknown command");
    exchange.status =
        exchanges_.add_text(error_prefix(fails_inside ? reply.nested_error : reply.text));
  }
  apply_transaction(exchange, reply);
  if (reply.is_error() || exchange.queued) return;
  switch (exchange.effect()) {
    case Effect::Select:
      database_ = static_cast<int32_t>(exchange.argument) - 1;
      break;
    case Effect::Hello:
      resp3_ = reply.type == '%';
      break;
    case Effect::Monitor:
      monitors_ = true;
      break;
    case Effect::Reset:
      database_ = 0;
      subscribed_ = transaction_ = Known::No;
      subscriptions_ = {};
      counts_known_ = true;
      resp3_ = monitors_ = false;
      break;
    default:
      break;
  }
}

void RedisSession::apply_transaction(Exchange& exchange, const Reply& reply) {
  if (transaction_ != Known::No && reply.type == '+' && reply.text == "QUEUED") {
    exchange.queued = true;
    if (exchange.effect() == Effect::Select) {
      queued_database_ = static_cast<int32_t>(exchange.argument) - 1;
      selects_ = true;
    }
    return;
  }
  const bool executes = exchange.effect() == Effect::Exec;
  if (exchange.effect() == Effect::Multi && !reply.is_error()) {
    transaction_ = Known::Yes;
    selects_ = false;
  }
  if (exchange.effect() != Effect::Discard && !executes) return;
  if (reply.is_error() && !reply.text.starts_with("EXECABORT")) return;
  transaction_ = Known::No;
  if (!executes || !std::exchange(selects_, false) || reply.is_error() || reply.null) return;
  // Which one failed is not looked at.
  database_ = reply.nested_error.empty() ? queued_database_ : kDatabaseUnknown;
}

// Neither pattern begins again inside itself where it can fail.
void RedisSession::watch_for_valkey(ByteView bytes) {
  const Exchange* front = waiting();
  const bool is_info = front == nullptr || front->effect() == Effect::Info;
  const std::string_view pattern = is_info ? kValkeyInInfo : kValkeyInHello;
  for (const uint8_t byte : bytes) {
    const char c = static_cast<char>(byte);
    watched_ = c == pattern[watched_] ? watched_ + 1 : c == pattern[0] ? 1 : 0;
    if (watched_ == pattern.size()) {
      valkey_ = true;
      watching_ = false;
      return;
    }
  }
}

}  // namespace clew::redis
