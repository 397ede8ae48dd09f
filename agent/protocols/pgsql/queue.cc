// What is under way: the requests that wait for their answers, and the exchanges.
#include "agent/protocols/pgsql/spans.h"

namespace clew::pgsql {
uint64_t PgsqlSession::add_exchange(Exchange::Kind kind, uint64_t offset) {
  const uint64_t number = live_.end();
  Exchange& added = live_.add();
  added.clear();
  added.kind = kind;
  emit(MessageEvent::Kind::RequestStarted, How::Complete, number, offset);
  return number;
}

void PgsqlSession::end_exchange(uint64_t number, How how, uint64_t offset) {
  if (!is_live(number) || live_[number].ended) return;
  live_[number].ended = true;
  live_[number].how = how;
  emit(MessageEvent::Kind::ExchangeEnded, how, number, offset);
}

void PgsqlSession::end_all(How how) {
  for (uint64_t number = live_.begin(); number < live_.end(); ++number) {
    end_exchange(number, live_[number].failed() ? How::Complete : how, 0);
  }
}

PgsqlSession::Entry& PgsqlSession::push(Entry::Kind kind, uint64_t start) {
  ever_started_ = true;
  if (queue_.size() == kMaxQueued) {
    end_all(How::Unfinished);
    be_unsure();
  }
  if (queue_.empty()) meet_held();
  Entry& added = queue_.add();
  added = {.kind = kind, .start = start, .moment = request_moment_};
  if (asks_for_ready(added)) ++turns_;
  if (kind == Entry::Kind::Sync) ++syncs_;
  return added;
}

bool PgsqlSession::is_silent(Entry::Kind kind) {
  return kind == Entry::Kind::Dropped || kind == Entry::Kind::CopyEnd || kind == Entry::Kind::Flush;
}

// What is answered, and what needs no answer behind it.
void PgsqlSession::pop() {
  settle(queue_.front(), Result::Done);
  while (!queue_.empty() && is_silent(queue_.front().kind)) {
    queue_.take();
  }
}

void PgsqlSession::settle(Entry& entry, Result result) {
  const bool done = result == Result::Done;
  if (asks_for_ready(entry)) --turns_;
  const Entry::Kind kind = std::exchange(entry.kind, Entry::Kind::Dropped);
  if (kind == Entry::Kind::Sync) --syncs_;
  switch (kind) {
    case Entry::Kind::Parse:
      if (Names::Slot* slot = statements_.at(entry.name)) {
        // The unnamed one is replaced by whatever is tried. A name can be used once.
        const bool is_its = done || (result == Result::Unknown && slot->real == kNoText);
        if (is_its) {
          texts_.assign(slot->real, entry.text);
        } else if (statements_.is_unnamed(entry.name)) {
          texts_.assign(slot->real, result == Result::Unknown ? entry.text : kNoText);
        }
      } else if (result != Result::Failed) {
        forget_unnamed(statements_);  // it may be the one
      }
      texts_.reset(entry.text);
      statements_.settle(entry.name);
      break;
    case Entry::Kind::Bind: {
      const Names::Slot* statement = statements_.at(entry.other);
      if (Names::Slot* portal = portals_.at(entry.name); portal && result != Result::Failed) {
        texts_.assign(portal->real, statement && done ? statement->real : kNoText);
        portal->suspended = false;
      } else if (portal == nullptr) {
        forget_unnamed(portals_);
      }
      portals_.settle(entry.name);
      statements_.settle(entry.other);
      break;
    }
    case Entry::Kind::Close: {
      Names& names = entry.of_portal ? portals_ : statements_;
      Names::Slot* slot = names.at(entry.name);
      if (slot != nullptr && result != Result::Failed) texts_.reset(slot->real);
      if (!entry.of_portal && !names.is_unnamed(entry.name)) names_end_ = true;
      names.settle(entry.name);
      break;
    }
    case Entry::Kind::Execute:
      portals_.settle(entry.name);
      break;
    default:
      break;
  }
}

void PgsqlSession::drop_queue() {
  for (; !queue_.empty(); queue_.take()) settle(queue_.front(), Result::Unknown);
  skipping_ = copying_in_ = deferred_ = entry_open_ = in_group_ = false;
  if (error_pending_) texts_.reset(pending_.text);
  error_pending_ = false;
}

void PgsqlSession::forget_unnamed(Names& names) {
  Names::Slot* slot = names.unnamed();
  if (slot == nullptr) return;
  texts_.reset(slot->asked);
  texts_.reset(slot->real);
  slot->statement.clear();
}

// The first one behind entry `number` that is there.
uint64_t PgsqlSession::next_after(uint64_t number) const {
  do {
    ++number;
  } while (number < queue_.end() && (queue_[number].kind == Entry::Kind::Dropped ||
                                     queue_[number].kind == Entry::Kind::CopyEnd));
  return number;
}

TextId PgsqlSession::acquire_text(std::string_view raw, size_t length) {
  TextId text = texts_.acquire(raw, length);
  while (text == kNoText && statements_.evict()) text = texts_.acquire(raw, length);
  return text;
}

void PgsqlSession::set_connection(const StartupFields& fields) {
  AttributeWriter writer;
  writer.text("db.system.name", "postgresql");
  if (!fields.database.empty()) writer.text("db.namespace", fields.database);
  if (!fields.user.empty()) writer.text("clew.db.user", fields.user);
  fixed_.assign(writer.written().encoded());
}

}  // namespace clew::pgsql
