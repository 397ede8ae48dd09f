// Copies released spans, so that tests can look at them when the batch is gone.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/span.h"

namespace clew {

struct SpanCopy {
  std::string name;
  SpanKind kind = SpanKind::Internal;
  SpanStatus status = SpanStatus::Unset;
  TraceId trace_id{};
  SpanId span_id{};
  SpanId parent_span_id{};
  uint64_t start_ns = 0;
  uint64_t end_ns = 0;
  std::string service;
  std::map<std::string, std::string> attributes;

  std::string attribute(const std::string& key) const {
    const auto found = attributes.find(key);
    return found == attributes.end() ? "" : found->second;
  }
  /// "thread", "stream" ...; empty without a parent.
  std::string link() const { return attribute("clew.link"); }
  bool is_root() const { return parent_span_id == SpanId{}; }
  bool is_child_of(const SpanCopy& parent) const {
    return parent_span_id == parent.span_id && trace_id == parent.trace_id;
  }
};

class SpanLog {
 public:
  void take(const std::shared_ptr<const SpanBatch>& batch) {
    batch_sizes.push_back(batch->spans().size());
    for (const Span& span : batch->spans()) {
      SpanCopy copy{.name = std::string(span.name),
                    .kind = span.kind,
                    .status = span.status,
                    .trace_id = span.trace_id,
                    .span_id = span.span_id,
                    .parent_span_id = span.parent_span_id,
                    .start_ns = span.start_unix_ns,
                    .end_ns = span.end_unix_ns,
                    .service = batch->resources().at(span.resource)->service_name,
                    .attributes = {}};
      for (const Attribute& attribute : span.attributes) {
        const bool fresh = copy.attributes
                               .emplace(attribute.key, attribute.type == AttributeType::Text
                                                           ? std::string(attribute.text)
                                                           : std::to_string(attribute.integer))
                               .second;
        EXPECT_TRUE(fresh) << attribute.key << " is given twice";
      }
      EXPECT_LE(copy.start_ns, copy.end_ns) << copy.name;
      EXPECT_NE(copy.trace_id, TraceId{});
      EXPECT_NE(copy.span_id, SpanId{});
      EXPECT_EQ(copy.is_root(), copy.link().empty()) << "a link tells its evidence";
      spans.push_back(std::move(copy));
    }
  }

  /// The only span of that kind whose attribute `key` is `value`; an empty one after a failure.
  const SpanCopy& find(SpanKind kind, const std::string& key, std::string_view value) const {
    static const SpanCopy kNone;
    const SpanCopy* found = &kNone;
    for (const auto& span : spans) {
      if (span.kind != kind || span.attribute(key) != value) continue;
      EXPECT_EQ(found, &kNone) << "two spans with " << key << "=" << value;
      found = &span;
    }
    EXPECT_NE(found, &kNone) << "no span with " << key << "=" << value;
    return *found;
  }

  std::vector<SpanCopy> spans;
  std::vector<size_t> batch_sizes;
};

}  // namespace clew
