#include "exporter/grpc_sink.h"

#include <fmt/format.h>
#include <grpc/grpc.h>
#include <grpc/slice.h>
#include <grpc/support/log.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <utility>
#include <vector>

#include "exporter/grpc_target.h"
#include "exporter/otlp_protobuf.h"
#include "exporter/otlp_response.h"

namespace clew {
namespace {

constexpr const char* kMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
// Receivers take 4 MiB by default; leaves room for what a proxy adds.
constexpr size_t kMaxRequestBytes = 3'500'000;

const char* code_name(grpc::StatusCode code) {
  static constexpr std::array<const char*, 17> kNames = {
      "OK",
      "CANCELLED",
      "UNKNOWN",
      "INVALID_ARGUMENT",
      "DEADLINE_EXCEEDED",
      "NOT_FOUND",
      "ALREADY_EXISTS",
      "PERMISSION_DENIED",
      "RESOURCE_EXHAUSTED",
      "FAILED_PRECONDITION",
      "ABORTED",
      "OUT_OF_RANGE",
      "UNIMPLEMENTED",
      "INTERNAL",
      "UNAVAILABLE",
      "DATA_LOSS",
      "UNAUTHENTICATED",
  };
  const auto index = static_cast<size_t>(code);
  return index < kNames.size() ? kNames[index] : "unknown status";
}

// OTLP 1.5, "Failures": the codes after which the same request may be sent again.
bool retryable(grpc::StatusCode code, bool has_retry_info) {
  switch (code) {
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::OUT_OF_RANGE:
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DATA_LOSS:
      return true;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return has_retry_info;
    default:
      return false;
  }
}

Delivery delivery_of(const grpc::Status& status, std::string_view response, size_t spans) {
  if (status.ok()) {
    PartialSuccess partial = read_trace_response(response);
    return {.outcome = Delivery::Outcome::Delivered,
            .rejected_spans = std::min<uint64_t>(partial.rejected_spans, spans),
            .message = std::move(partial.message)};
  }
  const auto delay = read_retry_delay(status.error_details());
  const bool retry = retryable(status.error_code(), delay.has_value());
  return {.outcome = retry ? Delivery::Outcome::Retry : Delivery::Outcome::Failed,
          .rejected_spans = 0,
          .retry_after = delay.value_or(std::chrono::milliseconds(0)),
          .message = fmt::format("{}: {}", code_name(status.error_code()), status.error_message())};
}

class GrpcSink final : public Sink {
 public:
  GrpcSink(const OtlpExport& target, std::vector<std::pair<std::string, std::string>> headers,
           const std::shared_ptr<grpc::Channel>& channel)
      : name_("otlp " + target.endpoint),
        headers_(std::move(headers)),
        gzip_(target.gzip),
        timeout_(target.timeout),
        stub_(channel) {}

  ~GrpcSink() override {
    calls_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (calls_.Next(&tag, &ok)) {
    }
  }

  std::string_view name() const override { return name_; }

  Delivery deliver(const SpanBatch& batch) override;
  void cancel() override;

 private:
  // How far a batch got whose delivery in several requests was interrupted: what was accepted must
  // not be sent twice. A batch is known by its address and its first span.
  struct Progress {
    const SpanBatch* batch = nullptr;
    SpanId first_span{};
    size_t next = 0;
    uint64_t rejected = 0;
    std::string message;
  };

  size_t encode_part(const SpanBatch& batch, size_t first);
  Delivery send(size_t spans);
  std::pair<grpc::Status, std::string> call();

  const std::string name_;
  const std::vector<std::pair<std::string, std::string>> headers_;
  const bool gzip_;
  const std::chrono::milliseconds timeout_;
  grpc::GenericStub stub_;
  grpc::CompletionQueue calls_;
  std::string request_;
  Progress progress_;

  std::mutex mutex_;
  grpc::ClientContext* active_ = nullptr;  // guarded by mutex_
  bool cancelled_ = false;                 // guarded by mutex_
};

Delivery GrpcSink::deliver(const SpanBatch& batch) {
  if (batch.empty()) return {};
  const SpanId first_span = batch.spans().front().span_id;
  if (progress_.batch != &batch || progress_.first_span != first_span) {
    progress_ = {.batch = &batch, .first_span = first_span, .message = {}};
  }
  const size_t total = batch.spans().size();
  while (progress_.next < total) {
    const size_t part = encode_part(batch, progress_.next);
    Delivery delivery = send(part);
    if (delivery.outcome == Delivery::Outcome::Retry) return delivery;
    const bool failed = delivery.outcome == Delivery::Outcome::Failed;
    progress_.next += part;
    progress_.rejected += failed ? part : delivery.rejected_spans;
    if (progress_.message.empty()) progress_.message = std::move(delivery.message);
    if (failed && part == total) {
      return {.outcome = Delivery::Outcome::Failed,
              .message = std::exchange(progress_, {}).message};
    }
  }
  Progress done = std::exchange(progress_, {});
  return {.outcome = Delivery::Outcome::Delivered,
          .rejected_spans = done.rejected,
          .message = std::move(done.message)};
}

// Encodes as many spans from `first` on as one request takes, but at least one; returns their
// number.
size_t GrpcSink::encode_part(const SpanBatch& batch, size_t first) {
  size_t count = batch.spans().size() - first;
  while (true) {
    request_.clear();
    encode_trace_request(batch, first, count, request_);
    if (request_.size() <= kMaxRequestBytes || count == 1) return count;
    const size_t pieces = request_.size() / kMaxRequestBytes + 1;
    count = std::max<size_t>(1, count / pieces);
  }
}

Delivery GrpcSink::send(size_t spans) {
  const auto [status, response] = call();
  return delivery_of(status, response, spans);
}

std::pair<grpc::Status, std::string> GrpcSink::call() {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout_);
  for (const auto& [key, value] : headers_) context.AddMetadata(key, value);
  if (gzip_) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  {
    const std::lock_guard lock(mutex_);
    if (cancelled_) return {{grpc::StatusCode::CANCELLED, "shutting down"}, {}};
    active_ = &context;
  }
  const grpc::Slice slice(request_.data(), request_.size());
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  grpc::Status status;
  const auto reader = stub_.PrepareUnaryCall(&context, kMethod, request, &calls_);
  reader->StartCall();
  reader->Finish(&response, &status, this);
  void* tag = nullptr;
  bool ok = false;
  calls_.Next(&tag, &ok);  // comes at the deadline at the latest
  {
    const std::lock_guard lock(mutex_);
    active_ = nullptr;
  }
  grpc::Slice bytes;
  if (!status.ok() || !response.Valid() || !response.DumpToSingleSlice(&bytes).ok()) {
    return {status, {}};
  }
  return {status, {reinterpret_cast<const char*>(bytes.begin()), bytes.size()}};
}

void GrpcSink::cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  if (active_ != nullptr) active_->TryCancel();
}

// gRPC aborts the process over metadata it does not like, so that must be known before.
Result<std::vector<std::pair<std::string, std::string>>> metadata_of(const OtlpExport& target) {
  std::vector<std::pair<std::string, std::string>> metadata;
  for (const auto& [name, value] : target.headers) {
    std::string key = name;
    for (char& c : key) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    const grpc::Slice key_slice(key), value_slice(value);
    grpc_slice raw_key = key_slice.c_slice(), raw_value = value_slice.c_slice();
    const bool key_fits = !key.empty() && !key.starts_with("grpc-") && !key.starts_with(':') &&
                          grpc_header_key_is_legal(raw_key) != 0;
    const bool value_fits =
        key.ends_with("-bin") || grpc_header_nonbin_value_is_legal(raw_value) != 0;
    grpc_slice_unref(raw_key);
    grpc_slice_unref(raw_value);
    if (!key_fits) return failure(fmt::format("'{}' cannot be a gRPC header", name));
    if (!value_fits) {
      return failure(fmt::format("the value of header '{}' has bytes that gRPC cannot send", name));
    }
    metadata.emplace_back(std::move(key), value);
  }
  return metadata;
}

grpc::ChannelArguments channel_arguments(const GrpcTarget& target) {
  grpc::ChannelArguments arguments;
  arguments.SetUserAgentPrefix("clew/" CLEW_VERSION);
  // Retries are the queue's; reconnects are quick, so that a collector that comes back is found
  // soon.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 500);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);  // a connection attempt's time limit
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5'000);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  if (target.loopback) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return arguments;
}

void silence_grpc() {
  if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
}

}  // namespace

Result<std::unique_ptr<Sink>> make_grpc_sink(const OtlpExport& config) {
  auto target = parse_grpc_endpoint(config.endpoint);
  if (!target) return std::unexpected(std::move(target).error());
  auto metadata = metadata_of(config);
  if (!metadata) return std::unexpected(std::move(metadata).error());
  auto tls = target->tls ? read_tls_files(config) : Result<TlsFiles>(TlsFiles{});
  if (!tls) return std::unexpected(std::move(tls).error());

  silence_grpc();
  const auto credentials =
      target->tls ? grpc::SslCredentials({.pem_root_certs = std::move(tls->roots),
                                          .pem_private_key = std::move(tls->client_key),
                                          .pem_cert_chain = std::move(tls->client_certificate)})
                  : grpc::InsecureChannelCredentials();
  const auto channel =
      grpc::CreateCustomChannel(target->address, credentials, channel_arguments(*target));
  return std::make_unique<GrpcSink>(config, std::move(*metadata), channel);
}

}  // namespace clew
