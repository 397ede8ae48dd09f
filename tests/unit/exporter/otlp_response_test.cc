#include "exporter/otlp_response.h"

#include <gtest/gtest.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include <protozero/pbf_writer.hpp>
#include <random>

namespace clew {
namespace {

using namespace std::chrono_literals;

std::string status_with_retry(int64_t seconds, int32_t nanos) {
  std::string delay, info, any, status;
  protozero::pbf_writer(delay).add_int64(1, seconds);
  protozero::pbf_writer(delay).add_int32(2, nanos);
  protozero::pbf_writer(info).add_message(1, delay);
  protozero::pbf_writer(any).add_string(1, "type.googleapis.com/google.rpc.RetryInfo");
  protozero::pbf_writer(any).add_bytes(2, info);
  protozero::pbf_writer(status).add_int32(1, 8);
  protozero::pbf_writer(status).add_string(2, "slow down");
  protozero::pbf_writer(status).add_message(3, any);
  return status;
}

TEST(OtlpResponse, ReadsPartialSuccess) {
  opentelemetry::proto::collector::trace::v1::ExportTraceServiceResponse response;
  EXPECT_EQ(read_trace_response(response.SerializeAsString()).rejected_spans, 0u);
  response.mutable_partial_success()->set_rejected_spans(3);
  response.mutable_partial_success()->set_error_message("too old");
  const auto partial = read_trace_response(response.SerializeAsString());
  EXPECT_EQ(partial.rejected_spans, 3u);
  EXPECT_EQ(partial.message, "too old");
  response.mutable_partial_success()->set_rejected_spans(-3);
  EXPECT_EQ(read_trace_response(response.SerializeAsString()).rejected_spans, 0u);
}

TEST(OtlpResponse, ReadsRetryInfo) {
  EXPECT_EQ(read_retry_delay(status_with_retry(2, 500'000'000)), 2500ms);
  EXPECT_EQ(read_retry_delay(status_with_retry(0, 0)), 0ms);
  EXPECT_EQ(read_retry_delay(status_with_retry(INT64_MAX, 0)), 3600s);
  EXPECT_EQ(read_retry_delay(status_with_retry(-5, -1)), 0ms);
  EXPECT_EQ(read_retry_delay(""), std::nullopt);
  std::string other = status_with_retry(1, 0);
  other.replace(other.find("RetryInfo"), 9, "DebugInfo");
  EXPECT_EQ(read_retry_delay(other), std::nullopt);
}

TEST(OtlpResponse, SurvivesAnyBytes) {
  const std::string good = status_with_retry(2, 5);
  for (size_t size = 0; size < good.size(); ++size) {
    read_retry_delay(std::string_view(good).substr(0, size));
    read_trace_response(std::string_view(good).substr(0, size));
  }
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = good;
    for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    read_retry_delay(bytes);
    read_trace_response(bytes);
  }
}

}  // namespace
}  // namespace clew
