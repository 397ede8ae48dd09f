#include "exporter/span_builder.h"

#include <algorithm>

namespace clew {

void SpanBuilder::clear() {
  name_ = path_ = status_message_ = trace_state_ = {};
  status_ = SpanStatus::Unset;
  attributes_.clear();
  list_items_.clear();
  copied_keys_.clear();
}

void SpanBuilder::attribute(std::string_view key, std::string_view text) {
  attributes_.push_back({.attribute = {.key = key, .text = text, .list = {}}});
}

void SpanBuilder::attribute(std::string_view key, int64_t integer) {
  attributes_.push_back({.attribute = {.key = key,
                                       .type = AttributeType::Integer,
                                       .integer = integer,
                                       .text = {},
                                       .list = {}}});
}

void SpanBuilder::boolean(std::string_view key, bool value) {
  attributes_.push_back({.attribute = {.key = key,
                                       .type = AttributeType::Boolean,
                                       .integer = value ? 1 : 0,
                                       .text = {},
                                       .list = {}}});
}

void SpanBuilder::list_with_key_copy(std::string_view key,
                                     std::span<const std::string_view> values) {
  Pending pending{
      .attribute = {.key = {}, .type = AttributeType::TextList, .text = {}, .list = {}},
      .copied_key_first = static_cast<uint32_t>(copied_keys_.size()),
      .copied_key_size = static_cast<uint32_t>(key.size()),
      .list_first = static_cast<uint32_t>(list_items_.size()),
      .list_size = static_cast<uint32_t>(values.size()),
  };
  copied_keys_.append(key);
  list_items_.insert(list_items_.end(), values.begin(), values.end());
  attributes_.push_back(pending);
}

bool SpanBuilder::has(std::string_view key) const {
  return std::ranges::any_of(
      attributes_, [key](const Pending& pending) { return pending.attribute.key == key; });
}

void SpanBuilder::commit(Span span, SpanBatch& batch) const {
  Arena& arena = batch.arena();
  span.name = arena.copy(name_);
  span.status = status_;
  span.status_message = arena.copy(status_message_);
  span.trace_state = arena.copy(trace_state_);

  // One slot more than is used: see SpanBatch::append_attribute.
  const std::span<Attribute> room = arena.make<Attribute>(attributes_.size() + 1);
  const std::span<Attribute> attributes = room.first(attributes_.size());
  const std::string_view copied_keys = copied_keys_;
  for (size_t i = 0; i < attributes.size(); ++i) {
    const Pending& pending = attributes_[i];
    Attribute& attribute = attributes[i];
    attribute = pending.attribute;
    attribute.text = arena.copy(attribute.text);
    if (pending.copied_key_size != 0) {
      attribute.key =
          arena.copy(copied_keys.substr(pending.copied_key_first, pending.copied_key_size));
    }
    const std::span<std::string_view> list = arena.make<std::string_view>(pending.list_size);
    for (size_t item = 0; item < list.size(); ++item) {
      list[item] = arena.copy(list_items_[pending.list_first + item]);
    }
    attribute.list = list;
  }
  span.attributes = attributes;
  batch.add(span);
}

}  // namespace clew
