// What the client's messages ask for.
#include <algorithm>

#include "agent/protocols/pgsql/fields.h"
#include "agent/protocols/pgsql/spans.h"

namespace clew::pgsql {

void PgsqlSession::on_request_start() {
  const Message& message = request_.message();
  if (message.type != 'Q' && message.type != 'F') return;
  in_group_ = false;
  const bool calls = message.type == 'F';
  const auto kind = calls ? Exchange::Kind::Function : Exchange::Kind::Statement;
  Entry& entry = push(calls ? Entry::Kind::Function : Entry::Kind::Query, message.start);
  entry.complete = false;
  entry.exchange = add_exchange(kind, message.start);
  open_entry_ = queue_.end() - 1;
  entry_open_ = true;
}

void PgsqlSession::on_request_end() {
  switch (request_.message().type) {
    case kStartupPacket:
      return on_startup();
    case 'Q':
    case 'F':
      return on_query_end();
    case 'P':
      return on_parse();
    case 'B':
      return on_bind();
    case 'D':
      return on_describe(false);
    case 'C':
      return on_describe(true);
    case 'E':
      return on_execute();
    case 'S':
      return on_sync();
    case 'H':
      return on_flush();
    case 'c':
    case 'f':
      return on_copy_end();
    default:  // Terminate, passwords, data: no answer of their own
      return;
  }
}

void PgsqlSession::on_startup() {
  const Message& message = request_.message();
  const uint32_t code = read_u32(message.body);
  switch (code) {
    case kCancelRequest: {
      cancelled_ = true;
      ever_started_ = true;
      const uint64_t number = add_exchange(Exchange::Kind::Cancel, message.start);
      emit(MessageEvent::Kind::RequestEnded, How::Complete, number, request_.position());
      return;
    }
    case kSslRequest:
    case kGssEncRequest:
      push(Entry::Kind::Negotiate, message.start);
      request_.expect(kStartupPacket);
      return;
    default:
      push(Entry::Kind::Startup, message.start);
      set_connection(read_startup(message.body.substr(4)));
      return;
  }
}

// An Execute's exchange begins with the first of the messages that lead to it.
void PgsqlSession::group(uint64_t start) {
  if (in_group_) return;
  in_group_ = true;
  group_start_ = start;
}

void PgsqlSession::on_parse() {
  const Message& message = request_.message();
  group(message.start);
  std::string_view body = message.body, name, text;
  Entry& entry = push(Entry::Kind::Parse, group_start_);
  if (!take_string(body, name)) return forget_unnamed(statements_);
  const bool whole = take_string(body, text);
  entry.name = statements_.begin(name);
  entry.text = acquire_text(text.substr(0, kMaxRawText), whole ? text.size() : message.length);
  if (Names::Slot* slot = statements_.at(entry.name)) texts_.assign(slot->asked, entry.text);
}

void PgsqlSession::on_bind() {
  const Message& message = request_.message();
  group(message.start);
  std::string_view body = message.body, portal, statement;
  Entry& entry = push(Entry::Kind::Bind, group_start_);
  const bool has_portal = take_string(body, portal);
  const bool has_statement = take_string(body, statement);
  if (has_portal) entry.name = portals_.begin(portal);
  if (has_statement) entry.other = statements_.begin(statement);
  Names::Slot* bound = portals_.at(entry.name);
  if (bound == nullptr) return forget_unnamed(portals_);
  const Names::Slot* of = statements_.at(entry.other);
  texts_.assign(bound->asked, of ? of->asked : kNoText);
  bound->statement.assign(has_statement ? statement : std::string_view());
}

void PgsqlSession::on_describe(bool closes) {
  const Message& message = request_.message();
  const uint64_t start = in_group_ ? group_start_ : message.start;
  Entry& entry = push(closes ? Entry::Kind::Close : Entry::Kind::Describe, start);
  std::string_view body = message.body, name;
  entry.of_portal = body.starts_with('P');
  if (!closes || body.empty()) return;
  body.remove_prefix(1);
  if (!take_string(body, name)) return;
  Names& names = entry.of_portal ? portals_ : statements_;
  entry.name = names.begin(name);
  if (Names::Slot* slot = names.at(entry.name)) texts_.reset(slot->asked);
}

void PgsqlSession::on_execute() {
  const Message& message = request_.message();
  std::string_view body = message.body, portal;
  const bool named = take_string(body, portal);
  const uint64_t start = in_group_ ? group_start_ : message.start;
  in_group_ = false;
  Entry& entry = push(Entry::Kind::Execute, start);
  entry.exchange = add_exchange(Exchange::Kind::Statement, start);
  if (named) entry.name = portals_.begin(portal);
  Exchange& exchange = live_[entry.exchange];
  if (const Names::Slot* slot = portals_.at(entry.name)) {
    texts_.assign(exchange.text, slot->asked);
    exchange.statement.assign(slot->statement);
  }
  emit(MessageEvent::Kind::RequestEnded, How::Complete, entry.exchange, request_.position());
  // The server has failed at what leads to this one.
  if (!error_pending_ || syncs_ != 0) return;
  error_pending_ = false;
  exchange.trouble = pending_.trouble;
  exchange.sqlstate = pending_.sqlstate;
  exchange.message.assign(pending_.message);
  texts_.reset(pending_.text);
  end_exchange(entry.exchange, How::Complete, error_end_);
}

void PgsqlSession::on_query_end() {
  if (!entry_open_) return;
  entry_open_ = false;
  Entry& entry = queue_[open_entry_];
  entry.complete = true;
  if (!is_live(entry.exchange) || live_[entry.exchange].ended) return;
  if (entry.kind == Entry::Kind::Query) {
    const Message& message = request_.message();
    std::string_view body = message.body, text;
    const bool whole = take_string(body, text);
    live_[entry.exchange].text = acquire_text(text, whole ? text.size() : message.length);
  }
  emit(MessageEvent::Kind::RequestEnded, How::Complete, entry.exchange, request_.position());
}

void PgsqlSession::on_sync() {
  in_group_ = false;
  // While it copies in, the server takes no notice of Sync.
  if (copying_in_) return;
  push(Entry::Kind::Sync, request_.message().start);
}

// It has no answer, but shows that what comes before it is answered now.
void PgsqlSession::on_flush() {
  if (!queue_.empty() && !copying_in_) push(Entry::Kind::Flush, request_.message().start);
}

void PgsqlSession::on_copy_end() {
  copying_in_ = false;
  if (!queue_.empty()) push(Entry::Kind::CopyEnd, request_.message().start);
}

}  // namespace clew::pgsql
