#include "agent/protocols/redis/exchange.h"

#include <algorithm>
#include <array>
#include <string>

namespace clew::redis {
namespace {

using How = MessageEvent::How;

// Kept for the next commands when nothing is under way.
constexpr size_t kKeptExchanges = 16;
constexpr size_t kKeptText = 1024;
// How often it must be so before more than that is let go: clients that pipeline do so again.
constexpr uint32_t kTimesIdle = 64;

constexpr auto kDatabases = [] {
  std::array<std::array<char, 2>, 16> names{};
  for (size_t i = 0; i < names.size(); ++i) {
    names[i] = {static_cast<char>(i < 10 ? '0' + i : '1'), static_cast<char>('0' + i % 10)};
  }
  return names;
}();

}  // namespace

Exchange& Exchanges::append() {
  if (next_ - first_ == ring_.size()) grow();
  ++next_;
  peak_ = std::max<size_t>(peak_, next_ - first_);
  Exchange& added = (*this)[next_ - 1] = {};
  added.text_from = base_ + static_cast<uint32_t>(text_.size());
  return added;
}

void Exchanges::grow() {
  std::vector<Exchange> grown(std::max<size_t>(2, ring_.size() * 2));
  for (uint64_t number = first_; number < next_; ++number) {
    grown[number & (grown.size() - 1)] = (*this)[number];
  }
  ring_ = std::move(grown);
  mask_ = ring_.size() - 1;
}

void Exchanges::keep_from(uint64_t number) {
  if (number == first_) return;
  first_ = number;
  if (first_ == next_) {
    base_ += static_cast<uint32_t>(text_.size());
    text_.clear();
    text_front_ = 0;
    if (++times_idle_ >= kTimesIdle) shrink();
    return;
  }
  text_front_ = (*this)[first_].text_from - base_;
  if (text_front_ > kKeptText && text_front_ > text_.size() / 2) {
    text_.erase(0, text_front_);
    base_ += static_cast<uint32_t>(text_front_);
    text_front_ = 0;
  }
}

void Exchanges::shrink() {
  if (ring_.size() > kKeptExchanges && peak_ <= ring_.size() / 4) {
    std::vector<Exchange>(std::max(ring_.size() / 2, kKeptExchanges)).swap(ring_);
    mask_ = ring_.size() - 1;
  }
  if (text_.capacity() > kKeptText && peak_ <= kKeptExchanges) std::string().swap(text_);
  peak_ = 0;
  times_idle_ = 0;
}

TextRange Exchanges::add_text(std::string_view text) {
  const size_t from = text_.size();
  text_ += text;
  return end_text(from);
}

void describe_exchange(const Exchange& exchange, const Exchanges& texts, SpanBuilder& span) {
  std::string_view name =
      exchange.spec != nullptr ? exchange.spec->name : texts.view(exchange.name);
  if (name.empty() || exchange.unknown_command) name = "UNKNOWN";
  span.name(name);
  span.attribute("db.system.name", exchange.valkey ? "valkey" : "redis");
  span.attribute("db.operation.name", name);
  if (exchange.database >= 0) {
    const auto database = static_cast<size_t>(exchange.database);
    if (database < kDatabases.size()) {
      const std::array<char, 2>& digits = kDatabases[database];
      span.attribute("db.namespace", std::string_view(digits.data() + (database < 10 ? 1 : 0),
                                                      database < 10 ? 1 : 2));
    } else {
      span.attribute("db.namespace", std::to_string(database));
    }
  }
  if (exchange.text.size > 0) span.attribute("db.query.text", texts.view(exchange.text));
  if (exchange.procedure.size > 0) {
    span.attribute("db.stored_procedure.name", texts.view(exchange.procedure));
  }
  if (exchange.queued) span.boolean("clew.redis.queued", true);
  if (exchange.is_incomplete()) span.boolean("clew.incomplete", true);
  const std::string_view status = texts.view(exchange.status);
  if (!status.empty()) {
    span.attribute("db.response.status_code", status);
    span.attribute("error.type", status);
    span.status(SpanStatus::Error);
  } else if (exchange.how == How::Malformed) {
    span.attribute("error.type", "malformed");
    span.status(SpanStatus::Error);
  }
}

}  // namespace clew::redis
