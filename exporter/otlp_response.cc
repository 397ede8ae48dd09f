#include "exporter/otlp_response.h"

#include <algorithm>
#include <protozero/pbf_reader.hpp>

namespace clew {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
using protozero::tag_and_type;

constexpr int64_t kMaxDelaySeconds = 3600;

PartialSuccess read_partial_success(pbf_reader message) {
  PartialSuccess result;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case tag_and_type(1, pbf_wire_type::varint):
        result.rejected_spans = static_cast<uint64_t>(std::max<int64_t>(0, message.get_int64()));
        break;
      case tag_and_type(2, pbf_wire_type::length_delimited):
        result.message = message.get_string();
        break;
      default:
        message.skip();
    }
  }
  return result;
}

std::chrono::milliseconds read_duration(pbf_reader message) {
  int64_t seconds = 0;
  int64_t nanos = 0;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case tag_and_type(1, pbf_wire_type::varint):
        seconds = message.get_int64();
        break;
      case tag_and_type(2, pbf_wire_type::varint):
        nanos = message.get_int32();
        break;
      default:
        message.skip();
    }
  }
  seconds = std::clamp<int64_t>(seconds, 0, kMaxDelaySeconds);
  return std::chrono::milliseconds(std::max<int64_t>(0, seconds * 1000 + nanos / 1'000'000));
}

std::optional<std::chrono::milliseconds> read_detail(pbf_reader any) {
  std::string type;
  pbf_reader value;
  while (any.next()) {
    switch (any.tag_and_type()) {
      case tag_and_type(1, pbf_wire_type::length_delimited):
        type = any.get_string();
        break;
      case tag_and_type(2, pbf_wire_type::length_delimited):
        value = any.get_message();
        break;
      default:
        any.skip();
    }
  }
  if (!type.ends_with("/google.rpc.RetryInfo")) return std::nullopt;
  std::chrono::milliseconds delay{0};
  while (value.next(1, pbf_wire_type::length_delimited)) delay = read_duration(value.get_message());
  return delay;
}

}  // namespace

PartialSuccess read_trace_response(std::string_view bytes) try {
  pbf_reader message(bytes.data(), bytes.size());
  PartialSuccess result;
  while (message.next(1, pbf_wire_type::length_delimited)) {
    result = read_partial_success(message.get_message());
  }
  return result;
} catch (const protozero::exception&) {
  return {};
}

std::optional<std::chrono::milliseconds> read_retry_delay(std::string_view status_bytes) try {
  pbf_reader message(status_bytes.data(), status_bytes.size());
  while (message.next(3, pbf_wire_type::length_delimited)) {
    if (auto delay = read_detail(message.get_message())) return delay;
  }
  return std::nullopt;
} catch (const protozero::exception&) {
  return std::nullopt;
}

}  // namespace clew
