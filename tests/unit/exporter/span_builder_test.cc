#include "exporter/span_builder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "exporter/sample_spans.h"

namespace {
std::atomic<size_t> allocations{0};
}

// Not inlined: GCC would see malloc on one side and delete on the other, and warn.
[[gnu::noinline]] void* operator new(size_t size) {
  ++allocations;
  void* place = std::malloc(size);
  if (place == nullptr) throw std::bad_alloc();
  return place;
}
[[gnu::noinline]] void operator delete(void* place) noexcept {
  std::free(place);
}
[[gnu::noinline]] void operator delete(void* place, size_t) noexcept {
  std::free(place);
}

namespace clew {
namespace {

TEST(SpanBuilder, CommitsCopiesOfAllButStaticKeys) {
  SpanBatch batch;
  SpanBuilder builder;
  {
    std::string name = "GET /a-name-too-long-for-the-small-string-buffer";
    std::string message = "500 from a server with a long name";
    std::string state = "vendor=value-that-is-rather-long-too";
    std::string value = "a value that is not static and not short";
    std::string key = "http.request.header.x-made-at-run-time";
    std::string first = "the first of two header values",
                second = "the second of two header values";
    const std::array<std::string_view, 2> values = {first, second};
    builder.name(name);
    builder.status(SpanStatus::Error, message);
    builder.trace_state(state);
    builder.attribute("text", value);
    builder.attribute("number", int64_t{-7});
    builder.boolean("flag", true);
    builder.list_with_key_copy(key, values);
    Span span;
    span.kind = SpanKind::Client;
    span.start_unix_ns = 11;
    builder.commit(span, batch);
    for (std::string* text : {&name, &message, &state, &value, &key, &first, &second}) {
      text->assign(text->size(), '#');
    }
  }
  builder.clear();

  ASSERT_EQ(batch.spans().size(), 1u);
  const Span& span = batch.spans()[0];
  EXPECT_EQ(span.name, "GET /a-name-too-long-for-the-small-string-buffer");
  EXPECT_EQ(span.status, SpanStatus::Error);
  EXPECT_EQ(span.status_message, "500 from a server with a long name");
  EXPECT_EQ(span.trace_state, "vendor=value-that-is-rather-long-too");
  EXPECT_EQ(span.kind, SpanKind::Client);
  EXPECT_EQ(span.start_unix_ns, 11u);
  const std::vector<Attribute> attributes(span.attributes.begin(), span.attributes.end());
  ASSERT_EQ(attributes.size(), 4u);
  EXPECT_EQ(attributes[0].key, "text");
  EXPECT_EQ(attributes[0].type, AttributeType::Text);
  EXPECT_EQ(attributes[0].text, "a value that is not static and not short");
  EXPECT_EQ(attributes[1].type, AttributeType::Integer);
  EXPECT_EQ(attributes[1].integer, -7);
  EXPECT_EQ(attributes[2].type, AttributeType::Boolean);
  EXPECT_EQ(attributes[2].integer, 1);
  EXPECT_EQ(attributes[3].type, AttributeType::TextList);
  EXPECT_EQ(attributes[3].key, "http.request.header.x-made-at-run-time");
  const std::vector<std::string_view> items(attributes[3].list.begin(), attributes[3].list.end());
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0], "the first of two header values");
  EXPECT_EQ(items[1], "the second of two header values");
}

TEST(SpanBuilder, ManyListsKeepTheirOwnItems) {
  SpanBatch batch;
  SpanBuilder builder;
  for (int i = 0; i < 100; ++i) {
    const std::string key = "key" + std::to_string(i);
    const std::array<std::string_view, 2> values = {"a", i % 2 == 0 ? "even" : "odd"};
    builder.list_with_key_copy(key, values);
  }
  builder.commit({}, batch);
  size_t i = 0;
  for (const Attribute& attribute : batch.spans()[0].attributes) {
    EXPECT_EQ(attribute.key, "key" + std::to_string(i));
    const std::vector<std::string_view> items(attribute.list.begin(), attribute.list.end());
    ASSERT_EQ(items.size(), 2u);
    EXPECT_EQ(items[1], i % 2 == 0 ? "even" : "odd");
    ++i;
  }
  EXPECT_EQ(i, 100u);
}

TEST(SpanBuilder, KnowsItsKeysAndTakesEncodedAttributes) {
  AttributeWriter peer;
  peer.text("network.peer.address", "10.0.0.1");
  peer.integer("network.peer.port", 8080);
  SpanBatch batch;
  SpanBuilder builder;
  EXPECT_FALSE(builder.has("server.port"));
  builder.attribute("server.address", "shop");
  builder.attribute("server.port", int64_t{80});
  builder.attributes(peer.written());
  EXPECT_TRUE(builder.has("server.address"));
  EXPECT_TRUE(builder.has("network.peer.port"));
  EXPECT_FALSE(builder.has("server"));
  builder.commit({}, batch);
  const Attributes written = batch.spans()[0].attributes;
  const std::vector<Attribute> all(written.begin(), written.end());
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[2].text, "10.0.0.1");
  EXPECT_EQ(all[3].integer, 8080);
}

// One-byte and longer lengths on every level of the encoding.
TEST(SpanBuilder, AttributesOfEveryLengthComeBack) {
  SpanBatch batch;
  for (const size_t size : {0,   1,   90,  100, 110, 115, 116, 117, 118,    119,    120,   121,
                            122, 123, 124, 125, 126, 127, 128, 129, 16'381, 16'384, 70'000}) {
    SpanBuilder builder;
    const std::string text(size, 'v');
    const std::array<std::string_view, 2> items = {text, "last"};
    builder.attribute("key", text);
    builder.attribute("least", INT64_MIN);
    builder.list_with_key_copy("items", items);
    builder.commit({}, batch);
    const Attributes written = batch.spans().back().attributes;
    const std::vector<Attribute> all(written.begin(), written.end());
    ASSERT_EQ(all.size(), 3u) << size;
    EXPECT_EQ(all[0].text, text);
    EXPECT_EQ(all[1].integer, INT64_MIN);
    EXPECT_EQ(*all[2].list.begin(), text);
    EXPECT_EQ(*std::next(all[2].list.begin()), "last");
  }
}

TEST(SpanBuilder, ClearForgetsEverything) {
  SpanBatch batch;
  SpanBuilder builder;
  builder.name("old");
  builder.status(SpanStatus::Error, "old");
  builder.trace_state("old");
  builder.attribute("old", "old");
  builder.clear();
  builder.commit({}, batch);
  const Span& span = batch.spans()[0];
  EXPECT_TRUE(span.name.empty());
  EXPECT_TRUE(span.status_message.empty());
  EXPECT_TRUE(span.trace_state.empty());
  EXPECT_TRUE(span.attributes.empty());
  EXPECT_EQ(span.status, SpanStatus::Unset);
}

TEST(SpanBuilder, AllocatesNothingPerSpanOrAttribute) {
  SpanBuilder builder;
  const auto resource = sample_resource("shop");
  SpanBatch warm_up;
  add_sample_span(warm_up, builder, resource, 0);

  SpanBatch batch;
  const size_t before = allocations;
  constexpr size_t kSpans = 2000;
  for (size_t i = 0; i < kSpans; ++i) add_sample_span(batch, builder, resource, i);
  const size_t used = allocations - before;
  // What remains are the arena's blocks (256 KiB each) and the growth of a few vectors.
  EXPECT_LT(used, 50u) << "for " << kSpans << " spans with 12 attributes each";
  EXPECT_GT(used, 0u);
}

// Literal keys are written by other code than keys of which nothing is known.
TEST(SpanBuilder, LiteralKeysAreEncodedAsOthersAre) {
  const std::string_view key = "a.key";
  for (size_t size = 0; size < 300; ++size) {
    for (const size_t strange : {size, size / 2, size_t{0}, size - size_t{1}}) {
      std::string value(size, 'x');
      if (strange < size) value[strange] = '\xE9';
      AttributeWriter literal, other;
      literal.text("a.key", value);
      literal.integer("a.key", static_cast<int64_t>(size) - 100);
      other.text(key, value);
      other.integer(key, static_cast<int64_t>(size) - 100);
      EXPECT_EQ(literal.written().encoded(), other.written().encoded()) << size << ' ' << strange;
      EXPECT_TRUE(literal.written().contains(key));
      EXPECT_FALSE(literal.written().contains("b.key"));
      EXPECT_FALSE(literal.written().contains("a.ke"));
    }
  }
}

}  // namespace
}  // namespace clew
