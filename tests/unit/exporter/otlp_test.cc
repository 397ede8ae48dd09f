// Both encoders against the generated protobuf classes: every field, then each against the other.
#include <absl/strings/escaping.h>
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include <deque>
#include <nlohmann/json.hpp>
#include <random>

#include "exporter/otlp_json.h"
#include "exporter/otlp_protobuf.h"
#include "exporter/sample_spans.h"

namespace clew {
namespace {

using opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest;
using opentelemetry::proto::common::v1::KeyValue;

ExportTraceServiceRequest decoded(const SpanBatch& batch) {
  std::string bytes;
  encode_trace_request(batch, bytes);
  ExportTraceServiceRequest request;
  EXPECT_TRUE(request.ParseFromString(bytes));
  // Nothing that the schema does not know, and nothing twice: the canonical form is as long.
  EXPECT_EQ(request.ByteSizeLong(), bytes.size());
  return request;
}

template <typename Id>
std::string raw(const Id& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

Span numbered_span(uint8_t n) {
  Span span;
  span.trace_id.fill(n);
  span.span_id.fill(static_cast<uint8_t>(n + 1));
  return span;
}

TEST(OtlpProtobuf, EveryFieldOfASpan) {
  SpanBatch batch;
  SpanBuilder builder;
  builder.name("GET /");
  builder.status(SpanStatus::Error, "timeout");
  builder.trace_state("ot=th:8");
  builder.attribute("text", "value");
  builder.attribute("empty", "");
  builder.attribute("zero", int64_t{0});
  builder.attribute("negative", int64_t{-1});
  builder.attribute("large", INT64_MAX);
  builder.boolean("yes", true);
  builder.boolean("no", false);
  const std::array<std::string_view, 3> items = {"a", "", "c"};
  builder.list_with_key_copy("list", items);
  builder.list_with_key_copy("nothing", {});
  Span span = numbered_span(0x10);
  span.parent_span_id.fill(0x55);
  span.kind = SpanKind::Client;
  span.trace_flags = 3;
  span.start_unix_ns = 1'770'000'000'123'456'789u;
  span.end_unix_ns = UINT64_MAX;
  span.resource = batch.resource_index(sample_resource("shop"));
  builder.commit(span, batch);

  const auto request = decoded(batch);
  ASSERT_EQ(request.resource_spans_size(), 1);
  const auto& resource_spans = request.resource_spans(0);
  const auto& resource = resource_spans.resource();
  ASSERT_EQ(resource.attributes_size(), 5);
  EXPECT_EQ(resource.attributes(0).key(), "service.name");
  EXPECT_EQ(resource.attributes(0).value().string_value(), "shop");
  EXPECT_EQ(resource.attributes(1).key(), "process.pid");
  EXPECT_EQ(resource.attributes(1).value().int_value(), 4711);
  ASSERT_EQ(resource_spans.scope_spans_size(), 1);
  EXPECT_EQ(resource_spans.scope_spans(0).scope().name(), "clew");
  EXPECT_EQ(resource_spans.scope_spans(0).scope().version(), CLEW_VERSION);
  ASSERT_EQ(resource_spans.scope_spans(0).spans_size(), 1);

  const auto& out = resource_spans.scope_spans(0).spans(0);
  EXPECT_EQ(out.trace_id(), raw(span.trace_id));
  EXPECT_EQ(out.span_id(), raw(span.span_id));
  EXPECT_EQ(out.parent_span_id(), raw(span.parent_span_id));
  EXPECT_EQ(out.trace_state(), "ot=th:8");
  EXPECT_EQ(out.flags(), 3u);
  EXPECT_EQ(out.name(), "GET /");
  EXPECT_EQ(out.kind(), opentelemetry::proto::trace::v1::Span::SPAN_KIND_CLIENT);
  EXPECT_EQ(out.start_time_unix_nano(), span.start_unix_ns);
  EXPECT_EQ(out.end_time_unix_nano(), span.end_unix_ns);
  EXPECT_EQ(out.status().code(), opentelemetry::proto::trace::v1::Status::STATUS_CODE_ERROR);
  EXPECT_EQ(out.status().message(), "timeout");

  ASSERT_EQ(out.attributes_size(), 9);
  const auto value = [&](int i, const char* key) {
    EXPECT_EQ(out.attributes(i).key(), key);
    return out.attributes(i).value();
  };
  EXPECT_EQ(value(0, "text").string_value(), "value");
  EXPECT_TRUE(value(1, "empty").has_string_value());
  EXPECT_TRUE(value(2, "zero").has_int_value());
  EXPECT_EQ(value(3, "negative").int_value(), -1);
  EXPECT_EQ(value(4, "large").int_value(), INT64_MAX);
  EXPECT_TRUE(value(5, "yes").bool_value());
  EXPECT_TRUE(value(6, "no").has_bool_value());
  EXPECT_FALSE(value(6, "no").bool_value());
  ASSERT_EQ(value(7, "list").array_value().values_size(), 3);
  EXPECT_EQ(value(7, "list").array_value().values(0).string_value(), "a");
  EXPECT_TRUE(value(7, "list").array_value().values(1).has_string_value());
  EXPECT_EQ(value(7, "list").array_value().values(2).string_value(), "c");
  EXPECT_TRUE(value(8, "nothing").has_array_value());
}

TEST(OtlpProtobuf, RootWithoutStatusHasNeither) {
  SpanBatch batch;
  Span span = numbered_span(1);
  span.resource = batch.resource_index(sample_resource("a"));
  batch.add(span);
  const auto request = decoded(batch);
  const auto& out = request.resource_spans(0).scope_spans(0).spans(0);
  EXPECT_TRUE(out.parent_span_id().empty());
  EXPECT_FALSE(out.has_status());
  EXPECT_TRUE(out.trace_state().empty());
}

TEST(OtlpProtobuf, GroupsSpansByResource) {
  SpanBatch batch;
  const auto a = sample_resource("a"), b = sample_resource("b"), unused = sample_resource("unused");
  batch.resource_index(unused);
  for (uint8_t i = 0; i < 6; ++i) {
    Span span = numbered_span(i);
    span.resource = batch.resource_index(i % 3 == 0 ? a : b);
    batch.add(span);
  }
  Span stray = numbered_span(99);
  stray.resource = 1000;
  batch.add(stray);

  const auto request = decoded(batch);
  ASSERT_EQ(request.resource_spans_size(), 3);
  const auto service = [&](int i) {
    return request.resource_spans(i).resource().attributes(0).value().string_value();
  };
  EXPECT_EQ(service(0), "a");
  EXPECT_EQ(service(1), "b");
  EXPECT_EQ(request.resource_spans(0).scope_spans(0).spans_size(), 2);
  EXPECT_EQ(request.resource_spans(1).scope_spans(0).spans_size(), 4);
  EXPECT_EQ(request.resource_spans(1).scope_spans(0).spans(3).trace_id(), std::string(16, '\5'));
  EXPECT_EQ(request.resource_spans(2).resource().attributes_size(), 0);
  EXPECT_EQ(request.resource_spans(2).scope_spans(0).spans_size(), 1);
}

TEST(OtlpProtobuf, PartsOfABatchAddUpToIt) {
  const auto batch = sample_batch(10);
  ExportTraceServiceRequest whole = decoded(*batch), parts;
  for (const auto& [first, count] : {std::pair<size_t, size_t>{0, 4}, {4, 1}, {5, 5}}) {
    std::string bytes;
    encode_trace_request(*batch, first, count, bytes);
    ExportTraceServiceRequest part;
    ASSERT_TRUE(part.ParseFromString(bytes));
    ASSERT_EQ(part.resource_spans(0).scope_spans(0).spans_size(), static_cast<int>(count));
    if (first == 0) {
      parts = part;
    } else {
      parts.mutable_resource_spans(0)->mutable_scope_spans(0)->mutable_spans()->MergeFrom(
          part.resource_spans(0).scope_spans(0).spans());
    }
  }
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(whole, parts));
}

TEST(OtlpProtobuf, AppendsAndEmptyIsEmpty) {
  std::string out = "before";
  encode_trace_request(SpanBatch(), out);
  EXPECT_EQ(out, "before");
}

// protobuf's JSON takes bytes as base64, OTLP's has them in hex: what protobuf makes of our ids.
std::string misread_hex(const std::string& id) {
  std::string out;
  EXPECT_TRUE(absl::Base64Unescape(absl::BytesToHexString(id), &out));
  return out;
}

void expect_same_in_json(const SpanBatch& batch) {
  auto expected = decoded(batch);
  for (auto& resource_spans : *expected.mutable_resource_spans()) {
    for (auto& span : *resource_spans.mutable_scope_spans(0)->mutable_spans()) {
      span.set_trace_id(misread_hex(span.trace_id()));
      span.set_span_id(misread_hex(span.span_id()));
      span.set_parent_span_id(misread_hex(span.parent_span_id()));
      span.mutable_status();
    }
  }
  std::string json;
  encode_trace_request_json(batch, json);
  EXPECT_EQ(json.find('\n'), json.npos);
  ExportTraceServiceRequest request;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &request);
  ASSERT_TRUE(status.ok()) << status.ToString() << "\n" << json;
  std::string difference;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  EXPECT_TRUE(differencer.Compare(expected, request)) << difference;
  EXPECT_TRUE(nlohmann::json::accept(json));
}

TEST(OtlpJson, ExactForm) {
  SpanBatch batch;
  SpanBuilder builder;
  builder.name("GET /");
  builder.status(SpanStatus::Error, "bad");
  builder.attribute("port", int64_t{80});
  builder.boolean("flag", true);
  const std::array<std::string_view, 1> items = {"v"};
  builder.list_with_key_copy("list", items);
  Span span = numbered_span(0xAB);
  span.parent_span_id.fill(0x01);
  span.kind = SpanKind::Server;
  span.start_unix_ns = 18'000'000'000'000'000'000u;
  span.end_unix_ns = 18'000'000'000'000'000'001u;
  Resource resource;
  resource.attributes = {{.key = "service.name", .text = "shop"}};
  span.resource = batch.resource_index(std::make_shared<const Resource>(std::move(resource)));
  builder.commit(span, batch);
  std::string json;
  encode_trace_request_json(batch, json);
  EXPECT_EQ(
      json,
      R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},)"
      R"("scopeSpans":[{"scope":{"name":"clew","version":")" CLEW_VERSION R"("},"spans":[)"
      R"({"traceId":"abababababababababababababababab","spanId":"acacacacacacacac",)"
      R"("parentSpanId":"0101010101010101","flags":1,"name":"GET /","kind":2,)"
      R"("startTimeUnixNano":"18000000000000000000","endTimeUnixNano":"18000000000000000001",)"
      R"("attributes":[{"key":"port","value":{"intValue":"80"}},{"key":"flag","value":{"boolValue":true}},)"
      R"({"key":"list","value":{"arrayValue":{"values":[{"stringValue":"v"}]}}}],)"
      R"("status":{"message":"bad","code":2}}]}]}]})");
}

TEST(OtlpJson, SaysTheSameAsProtobuf) {
  expect_same_in_json(*sample_batch(20));
  SpanBatch nothing;
  expect_same_in_json(nothing);
}

TEST(OtlpJson, EveryByteValueSurvivesInBothForms) {
  SpanBatch batch;
  SpanBuilder builder;
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  builder.name(all);
  builder.status(SpanStatus::Error, all);
  builder.trace_state(all);
  builder.attribute("k", all);
  const std::array<std::string_view, 2> items = {all, "\"\\"};
  builder.list_with_key_copy(all, items);
  builder.commit(numbered_span(7), batch);
  expect_same_in_json(batch);

  const auto request = decoded(batch);
  const auto& name = request.resource_spans(0).scope_spans(0).spans(0).name();
  EXPECT_EQ(name.substr(0, 128), all.substr(0, 128));
  EXPECT_EQ(name.substr(128, 3), "\uFFFD");
}

TEST(OtlpJson, RandomBatchesSayTheSameAsProtobuf) {
  std::mt19937 random(20240607);
  const auto below = [&random](unsigned n) { return static_cast<unsigned>(random() % n); };
  for (int round = 0; round < 300; ++round) {
    SpanBatch batch;
    SpanBuilder builder;
    std::deque<std::vector<std::string>> kept;  // keys are not copied
    std::vector<std::shared_ptr<const Resource>> resources = {sample_resource("a"),
                                                              sample_resource("b"), nullptr};
    for (unsigned n = below(6); n > 0; --n) {
      builder.clear();
      std::vector<std::string>& texts = kept.emplace_back(8);
      for (auto& text : texts) {
        for (unsigned size = below(20); size > 0; --size) {
          text.push_back(static_cast<char>(below(3) == 0 ? below(256) : 'a' + below(26)));
        }
      }
      texts[3] += 'k';  // keys are never empty
      texts[7] += 'k';
      builder.name(texts[0]);
      builder.status(static_cast<SpanStatus>(below(3)), texts[1]);
      builder.trace_state(texts[2]);
      for (unsigned a = below(5); a > 0; --a) {
        builder.attribute(texts[3], texts[4]);
        builder.attribute("n", static_cast<int64_t>((uint64_t{random()} << 32) | random()));
        builder.boolean("b", below(2) == 0);
        const std::array<std::string_view, 2> items = {texts[5], texts[6]};
        builder.list_with_key_copy(texts[7], std::span(items).first(below(3)));
      }
      Span span = numbered_span(static_cast<uint8_t>(below(256)));
      span.parent_span_id.fill(static_cast<uint8_t>(below(3)));
      span.kind = static_cast<SpanKind>(1 + below(3));
      span.trace_flags = static_cast<uint8_t>(below(256));
      span.start_unix_ns = random();
      span.end_unix_ns = (uint64_t{random()} << 32) | random();
      span.resource = batch.resource_index(resources[below(3)]);
      builder.commit(span, batch);
    }
    expect_same_in_json(batch);
    if (HasFailure()) FAIL() << "round " << round;
  }
}

}  // namespace
}  // namespace clew
