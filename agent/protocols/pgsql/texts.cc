#include "agent/protocols/pgsql/texts.h"

#include <functional>

namespace clew::pgsql {

// What an entry that is free may hold on to.
constexpr size_t kKeepBytes = 4096;

TextId Texts::acquire(std::string_view raw, size_t length) {
  const size_t hash = std::hash<std::string_view>()(raw);
  if (cached_.empty()) cached_.resize(kCachedTexts, kNoText);
  const TextId cached = cached_[hash % kCachedTexts];
  if (cached != kNoText && matches(entries_[cached], raw, hash, length)) return share(cached);
  if (bytes_ + raw.size() > kMaxTextBytes) drop_cached();
  if (bytes_ + raw.size() > kMaxTextBytes) return kNoText;
  const TextId id = take_free();
  Entry& entry = entries_[id];
  entry.hash = hash;
  entry.length = length;
  entry.references = 1;
  read(entry, raw, length);
  entry.charged = sizeof(Entry) + entry.text.raw.size() + entry.text.attributes.size();
  bytes_ += entry.charged;
  if (raw.size() <= kMaxCachedText) keep(id);
  return id;
}

bool Texts::matches(const Entry& entry, std::string_view raw, size_t hash, size_t length) const {
  return entry.hash == hash && entry.length == length && entry.text.raw == raw;
}

// In the place of another one with that hash.
void Texts::keep(TextId id) {
  TextId& place = cached_[entries_[id].hash % kCachedTexts];
  release(place);
  place = share(id);
}

TextId Texts::take_free() {
  if (free_ != kNoText) {
    const TextId id = free_;
    free_ = entries_[id].next_free;
    return id;
  }
  if (entries_.empty()) entries_.emplace_back();
  entries_.emplace_back();
  return static_cast<TextId>(entries_.size() - 1);
}

void Texts::drop_cached() {
  for (TextId& place : cached_) reset(place);
}

void Texts::release(TextId id) {
  if (id == kNoText) return;
  Entry& entry = entries_[id];
  if (--entry.references != 0) return;
  bytes_ -= entry.charged;
  if (entry.charged > kKeepBytes) entry.text = {};
  entry.next_free = free_;
  free_ = id;
}

void Texts::read(Entry& entry, std::string_view raw, size_t length) {
  const bool cut = raw.size() < length;
  sql::read_statement(raw, cut, statement_);
  Text& text = entry.text;
  text.raw.assign(raw);
  text.summary.assign(statement_.summary);
  text.operation.assign(statement_.operation);
  text.statements = statement_.statements;
  writer_.clear();
  if (!text.summary.empty()) writer_.text("db.query.summary", text.summary);
  if (text.statements > 1) {
    writer_.integer("db.operation.batch.size", int64_t{text.statements});
  } else {
    if (!text.operation.empty()) writer_.text("db.operation.name", text.operation);
    if (!statement_.collection.empty()) {
      writer_.text("db.collection.name", statement_.collection);
    }
  }
  const std::string_view shown = shown_ == StatementText::Raw ? raw : statement_.text;
  if (shown_ != StatementText::Off && !shown.empty()) writer_.text("db.query.text", shown);
  text.attributes.assign(writer_.written().encoded());
}

}  // namespace clew::pgsql
