// What the server's messages answer.
#include <algorithm>

#include "agent/protocols/pgsql/fields.h"
#include "agent/protocols/pgsql/spans.h"

namespace clew::pgsql {

// The exchange that what comes next belongs to, if it has one.
Exchange* PgsqlSession::current() {
  if (queue_.empty() || skipping_) return nullptr;
  const Entry& front = queue_.front();
  const bool has_one = front.kind == Entry::Kind::Execute || front.kind == Entry::Kind::Query ||
                       front.kind == Entry::Kind::Function;
  if (!has_one || !is_live(front.exchange) || live_[front.exchange].ended) return nullptr;
  return &live_[front.exchange];
}

void PgsqlSession::on_response_start() {
  const char type = response_.message().type;
  if (type == 'N' || type == 'A' || type == 'S') return;
  Exchange* exchange = current();
  if (exchange == nullptr || exchange->response_started) return;
  exchange->response_started = true;
  emit(MessageEvent::Kind::ResponseStarted, How::Complete, queue_.front().exchange,
       response_.message().start);
}

void PgsqlSession::on_response_end() {
  const char type = response_.message().type;
  switch (type) {
    case 'N':
    case 'A':
    case 'S':
      return;
    case 'Z':
      return on_ready();
    case 'E':
      return on_error();
    default:
      break;
  }
  if (queue_.empty() || skipping_ || !answer_front(type)) on_broken();
}

// False if this is no answer to the request whose turn it is.
bool PgsqlSession::answer_front(char type) {
  const auto pop_if = [&](bool fits) {
    if (fits) pop();
    return fits;
  };
  switch (queue_.front().kind) {
    case Entry::Kind::Negotiate:
      if (type == kNegotiationReply) on_negotiated();
      return type == kNegotiationReply;
    case Entry::Kind::Startup:
      return type == 'R' || type == 'K' || type == 'v';
    case Entry::Kind::Parse:
      return pop_if(type == '1');
    case Entry::Kind::Bind:
      return pop_if(type == '2');
    case Entry::Kind::Close:
      return pop_if(type == '3');
    case Entry::Kind::Describe:
      if (type == 't') return true;
      return pop_if(type == 'T' || type == 'n');
    case Entry::Kind::Execute:
    case Entry::Kind::Query:
      return answer_command(type);
    case Entry::Kind::Function:
      return type == 'V';
    default:
      return false;
  }
}

void PgsqlSession::on_negotiated() {
  if (response_.message().body == "N") return pop();
  give_up(How::Unfinished);  // what follows is encrypted
}

bool PgsqlSession::answer_command(char type) {
  Exchange* exchange = current();
  const bool extended = queue_.front().kind == Entry::Kind::Execute;
  switch (type) {
    case 'D':
      if (exchange != nullptr) ++exchange->rows;
      return true;
    case 'C':
      if (exchange != nullptr) exchange->complete_command(read_tag(response_.message().body));
      if (extended) end_execute(type);
      return true;
    case 's':
    case 'I':
      if (extended) end_execute(type);
      return extended || type == 'I';
    case 'G':
      on_copy_in();
      return true;
    case 'T':
    case 'H':
    case 'W':
    case 'd':
    case 'c':
      return true;
    default:
      return false;
  }
}

void PgsqlSession::end_execute(char type) {
  const uint64_t number = queue_.front().exchange;
  copying_in_ = false;
  Names::Slot* portal = portals_.at(queue_.front().name);
  if (Exchange* exchange = current()) {
    if (portal != nullptr) {
      texts_.assign(exchange->text, portal->real);
      exchange->continued = portal->suspended;
    }
    if (type == 's') exchange->suspend();
  }
  if (portal != nullptr) portal->suspended = type == 's';
  const uint64_t answered = queue_.begin();
  uint64_t next = next_after(answered);
  if (next < queue_.end() && queue_[next].kind == Entry::Kind::Close) next = next_after(next);
  const bool ends_with_ready = next < queue_.end() && queue_[next].kind == Entry::Kind::Sync;
  pop();
  if (ends_with_ready) {
    deferred_ = true;
    deferred_exchange_ = number;
  } else {
    end_exchange(number, How::Complete, response_.position());
  }
}

// Up to CopyDone or CopyFail the server takes no notice of Sync: those under way have no answer.
void PgsqlSession::on_copy_in() {
  copying_in_ = true;
  if (queue_.front().kind != Entry::Kind::Execute) {
    copying_in_ = false;
    return;
  }
  for (uint64_t number = queue_.begin() + 1; number < queue_.end(); ++number) {
    Entry& entry = queue_[number];
    if (entry.kind == Entry::Kind::CopyEnd) {
      copying_in_ = false;
      return;
    }
    if (entry.kind == Entry::Kind::Sync) settle(entry, Result::Unknown);
  }
}

void PgsqlSession::on_error() {
  const ErrorFields fields = read_error(response_.message().body);
  const bool raw = settings_.sql == StatementText::Raw;
  if (queue_.empty() || skipping_) return;  // the server ends the connection
  Entry& front = queue_.front();
  switch (front.kind) {
    case Entry::Kind::Negotiate:
    case Entry::Kind::Startup: {
      const uint64_t number = add_exchange(Exchange::Kind::Connect, front.start);
      live_[number].fail(fields, raw);
      return end_exchange(number, How::Complete, response_.position());
    }
    case Entry::Kind::Query:
    case Entry::Kind::Function:
      if (Exchange* exchange = current()) exchange->fail(fields, raw);
      return;
    case Entry::Kind::Sync:  // that is when the transaction is committed
      if (deferred_) {
        live_[deferred_exchange_].fail(fields, raw);
      } else if (!error_pending_) {
        begin_pending_error(front, fields);
      }
      return;
    default:
      break;
  }
  skipping_ = true;
  copying_in_ = false;
  for (uint64_t number = queue_.begin(); number < queue_.end(); ++number) {
    const Entry& entry = queue_[number];
    if (entry.kind == Entry::Kind::Sync) break;
    if (entry.kind != Entry::Kind::Execute) continue;
    if (!is_live(entry.exchange)) break;
    live_[entry.exchange].fail(fields, raw);
    return end_exchange(entry.exchange, How::Complete, response_.position());
  }
  begin_pending_error(front, fields);
}

// Whether an Execute follows, whose error it then is, shows by the next Sync.
void PgsqlSession::begin_pending_error(const Entry& entry, const ErrorFields& fields) {
  error_pending_ = true;
  error_start_ = entry.start;
  error_end_ = response_.position();
  pending_.clear();
  pending_.fail(fields, settings_.sql == StatementText::Raw);
  const bool binds = entry.kind == Entry::Kind::Bind;
  const Names::Slot* statement = statements_.at(binds ? entry.other : kNoName);
  if (entry.kind == Entry::Kind::Parse) {
    statement = statements_.at(entry.name);
    texts_.assign(pending_.text, entry.text);
  } else if (statement != nullptr) {
    texts_.assign(pending_.text, statement->asked);
  }
  if (statement != nullptr) pending_.statement.assign(statement->name);
}

void PgsqlSession::tell_pending_error() {
  error_pending_ = false;
  const uint64_t number = add_exchange(Exchange::Kind::Statement, error_start_);
  Exchange& exchange = live_[number];
  texts_.assign(exchange.text, pending_.text);
  texts_.reset(pending_.text);
  exchange.trouble = pending_.trouble;
  exchange.sqlstate = pending_.sqlstate;
  exchange.message.assign(pending_.message);
  exchange.statement.assign(pending_.statement);
  end_exchange(number, How::Complete, error_end_);
}

void PgsqlSession::on_ready() {
  const std::string_view body = response_.message().body;
  const char status = body.empty() ? 0 : body.front();
  if (error_pending_) tell_pending_error();
  if (skipping_) end_skipped();
  if (queue_.empty()) return on_broken();
  const Entry& front = queue_.front();
  switch (front.kind) {
    case Entry::Kind::Sync:
      if (std::exchange(deferred_, false) && is_live(deferred_exchange_)) {
        live_[deferred_exchange_].transaction = status;
        end_exchange(deferred_exchange_, How::Complete, response_.position());
      }
      break;
    case Entry::Kind::Query:
    case Entry::Kind::Function:
      if (Exchange* exchange = current()) exchange->transaction = status;
      end_exchange(front.exchange, How::Complete, response_.position());
      break;
    case Entry::Kind::Startup:
      starting_ = false;
      break;
    default:
      return on_broken();
  }
  note_overlap(front);
  pop();
  if (status == 'I') portals_.clear();  // they end with their transaction
}

// The server has read on to the Sync and done nothing.
void PgsqlSession::end_skipped() {
  skipping_ = false;
  while (!queue_.empty() && queue_.front().kind != Entry::Kind::Sync) {
    Entry& skipped = queue_.front();
    const bool has_exchange = skipped.kind == Entry::Kind::Execute ||
                              skipped.kind == Entry::Kind::Query ||
                              skipped.kind == Entry::Kind::Function;
    if (has_exchange && is_live(skipped.exchange) && !live_[skipped.exchange].ended) {
      live_[skipped.exchange].trouble = Exchange::Trouble::Aborted;
      end_exchange(skipped.exchange, How::Complete, response_.position());
    }
    settle(skipped, Result::Failed);
    queue_.take();
  }
}

// A request of another operation, sent before this one was answered.
void PgsqlSession::note_overlap(const Entry& answered) {
  const uint64_t next = next_after(queue_.begin());
  if (next == queue_.end()) return;
  const uint64_t moment = queue_[next].moment;
  if (moment != answered.moment && moment < response_moment_) overlaps_ = true;
}

}  // namespace clew::pgsql
