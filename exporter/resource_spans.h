// What both OTLP encoders share: the grouping of a batch's spans by resource.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>

#include "exporter/span.h"

namespace clew {

/// Name of the instrumentation scope of every span.
inline constexpr std::string_view kScopeName = "clew";

/// The spans of one resource among `candidates`; never empty when for_each_resource gives it.
struct ResourceGroup {
  const Resource* resource;  ///< nullptr for spans that name none
  size_t index;
  size_t resources;  ///< of the batch; an index at or past it means none
  std::span<const Span> candidates;

  bool owns(const Span& span) const { return std::min<size_t>(span.resource, resources) == index; }
  template <typename Function>
  void for_each(Function&& function) const {
    for (const Span& span : candidates) {
      if (owns(span)) function(span);
    }
  }
};

/// Calls `function` for each resource that has spans among the batch's [first, first + count).
template <typename Function>
void for_each_resource(const SpanBatch& batch, size_t first, size_t count, Function&& function) {
  const auto& resources = batch.resources();
  auto candidates = std::span(batch.spans()).subspan(first, count);
  for (size_t i = 0; i <= resources.size() && !candidates.empty(); ++i) {
    ResourceGroup group{i < resources.size() ? resources[i].get() : nullptr, i, resources.size(),
                        candidates};
    const auto owned =
        std::ranges::find_if(candidates, [&](const Span& s) { return group.owns(s); });
    if (owned == candidates.end()) continue;
    group.candidates = candidates.subspan(static_cast<size_t>(owned - candidates.begin()));
    function(group);
  }
}

/// A resource's attribute in the form of a span's.
inline Attribute view_of(const Resource::Entry& entry) {
  return {.key = entry.key,
          .type = entry.type == AttributeType::TextList ? AttributeType::Text : entry.type,
          .integer = entry.integer,
          .text = entry.text,
          .list = {}};
}

}  // namespace clew
