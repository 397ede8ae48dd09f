// The sink against a real gRPC server in this process.
#include "exporter/grpc_sink.h"

#include <gmock/gmock.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.grpc.pb.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <protozero/pbf_writer.hpp>
#include <set>
#include <thread>

#include "exporter/export_queue.h"
#include "exporter/sample_spans.h"

namespace clew {
namespace {

using namespace std::chrono_literals;
using namespace opentelemetry::proto::collector::trace::v1;
using ::testing::HasSubstr;
using Outcome = Delivery::Outcome;

struct Answer {
  grpc::Status status;
  int64_t rejected = 0;
  std::string message;
};

class Service final : public TraceService::Service {
 public:
  grpc::Status Export(grpc::ServerContext* context, const ExportTraceServiceRequest* request,
                      ExportTraceServiceResponse* response) override {
    std::unique_lock lock(mutex);
    ++calls;
    largest = std::max(largest, request->ByteSizeLong());
    metadata.clear();
    for (const auto& [key, value] : context->client_metadata()) {
      metadata.emplace(std::string(key.data(), key.size()),
                       std::string(value.data(), value.size()));
    }
    changed.notify_all();
    if (hang) {
      changed.wait(lock, [&] { return !hang || context->IsCancelled(); });
    }
    Answer answer;
    if (!answers.empty()) {
      answer = answers.front();
      answers.pop_front();
    }
    if (!answer.status.ok()) return answer.status;
    for (const auto& resource_spans : request->resource_spans()) {
      for (const auto& span : resource_spans.scope_spans(0).spans()) {
        received.push_back(span.span_id());
      }
    }
    if (answer.rejected != 0 || !answer.message.empty()) {
      response->mutable_partial_success()->set_rejected_spans(answer.rejected);
      response->mutable_partial_success()->set_error_message(answer.message);
    }
    return grpc::Status::OK;
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Answer> answers;  // then OK
  std::vector<std::string> received;
  std::multimap<std::string, std::string> metadata;
  size_t calls = 0;
  size_t largest = 0;
  bool hang = false;
};

class GrpcSinkTest : public ::testing::Test {
 protected:
  ~GrpcSinkTest() override { stop(); }

  void start(int port = 0, std::shared_ptr<grpc::ServerCredentials> credentials =
                               grpc::InsecureServerCredentials()) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port), credentials, &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    ASSERT_NE(port_, 0);
  }
  void stop() {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }
  OtlpExport target(const char* scheme = "http://") const {
    OtlpExport target;
    target.endpoint = scheme + ("127.0.0.1:" + std::to_string(port_));
    return target;
  }
  std::unique_ptr<Sink> sink() { return sink(target()); }
  static std::unique_ptr<Sink> sink(const OtlpExport& target) {
    auto sink = make_grpc_sink(target);
    EXPECT_TRUE(sink) << sink.error().message;
    return sink ? std::move(*sink) : nullptr;
  }
  void answer(grpc::StatusCode code, const std::string& details = {}) {
    service_.answers.push_back({.status = {code, "as told", details}, .message = {}});
  }

  Service service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

std::string status_details(grpc::StatusCode code, int64_t seconds, int32_t nanos) {
  std::string delay, info, any, status;
  protozero::pbf_writer(delay).add_int64(1, seconds);
  protozero::pbf_writer(delay).add_int32(2, nanos);
  protozero::pbf_writer(info).add_message(1, delay);
  protozero::pbf_writer(any).add_string(1, "type.googleapis.com/google.rpc.RetryInfo");
  protozero::pbf_writer(any).add_bytes(2, info);
  protozero::pbf_writer(status).add_int32(1, code);
  protozero::pbf_writer(status).add_message(3, any);
  return status;
}

TEST_F(GrpcSinkTest, DeliversWithHeaders) {
  start();
  OtlpExport config = target();
  config.headers = {{"X-Api-Key", "secret"}, {"tenant", "a b"}};
  const auto sink = this->sink(config);
  EXPECT_EQ(sink->name(), "otlp " + config.endpoint);
  const Delivery delivery = sink->deliver(*sample_batch(100));
  EXPECT_EQ(delivery.outcome, Outcome::Delivered) << delivery.message;
  EXPECT_EQ(delivery.rejected_spans, 0u);
  EXPECT_EQ(delivery.message, "");
  EXPECT_EQ(service_.received.size(), 100u);
  EXPECT_EQ(service_.calls, 1u);
  EXPECT_EQ(service_.metadata.find("x-api-key")->second, "secret");
  EXPECT_EQ(service_.metadata.find("tenant")->second, "a b");
  EXPECT_THAT(service_.metadata.find("user-agent")->second, HasSubstr("clew/"));
  EXPECT_EQ(sink->deliver(SpanBatch()).outcome, Outcome::Delivered);
  EXPECT_EQ(service_.calls, 1u);
}

TEST_F(GrpcSinkTest, DeliversCompressedAndWithoutScheme) {
  start();
  OtlpExport config = target("");
  config.gzip = true;
  const auto sink = this->sink(config);
  EXPECT_EQ(sink->deliver(*sample_batch(1000)).outcome, Outcome::Delivered);
  EXPECT_EQ(service_.received.size(), 1000u);
}

TEST_F(GrpcSinkTest, EveryStatusAsTheSpecificationSays) {
  start();
  const auto sink = this->sink();
  const std::set<int> retried = {1, 4, 10, 11, 14, 15};
  for (int code = 1; code <= 16; ++code) {
    answer(static_cast<grpc::StatusCode>(code));
    const Delivery delivery = sink->deliver(*sample_batch(1));
    EXPECT_EQ(delivery.outcome, retried.contains(code) ? Outcome::Retry : Outcome::Failed) << code;
    EXPECT_EQ(delivery.retry_after, 0ms);
    EXPECT_THAT(delivery.message, HasSubstr("as told"));
  }
  answer(grpc::StatusCode::RESOURCE_EXHAUSTED,
         status_details(grpc::StatusCode::RESOURCE_EXHAUSTED, 1, 250'000'000));
  const Delivery exhausted = sink->deliver(*sample_batch(1));
  EXPECT_EQ(exhausted.outcome, Outcome::Retry);
  EXPECT_EQ(exhausted.retry_after, 1250ms);
  EXPECT_THAT(exhausted.message, HasSubstr("RESOURCE_EXHAUSTED"));
  answer(grpc::StatusCode::UNAVAILABLE, status_details(grpc::StatusCode::UNAVAILABLE, 3, 0));
  EXPECT_EQ(sink->deliver(*sample_batch(1)).retry_after, 3s);
}

TEST_F(GrpcSinkTest, ReportsPartialSuccess) {
  start();
  service_.answers.push_back({.status = {}, .rejected = 3, .message = "too old"});
  service_.answers.push_back({.status = {}, .rejected = 99, .message = ""});
  const auto sink = this->sink();
  Delivery delivery = sink->deliver(*sample_batch(10));
  EXPECT_EQ(delivery.outcome, Outcome::Delivered);
  EXPECT_EQ(delivery.rejected_spans, 3u);
  EXPECT_EQ(delivery.message, "too old");
  EXPECT_EQ(sink->deliver(*sample_batch(10)).rejected_spans, 10u);
}

TEST_F(GrpcSinkTest, ThroughTheQueueUnavailableThenDelivered) {
  start();
  answer(grpc::StatusCode::UNAVAILABLE);
  answer(grpc::StatusCode::RESOURCE_EXHAUSTED,
         status_details(grpc::StatusCode::RESOURCE_EXHAUSTED, 0, 30'000'000));
  ExportQueue queue(sink(), {.initial_backoff = 2ms, .max_backoff = 8ms});
  queue.push(sample_batch(10));
  {
    std::unique_lock lock(service_.mutex);
    EXPECT_TRUE(service_.changed.wait_for(lock, 10s, [&] { return service_.calls == 3; }));
  }
  queue.drain(10s);
  EXPECT_EQ(queue.statistics().exported, 10u);
  EXPECT_EQ(queue.statistics().retries, 2u);
  EXPECT_EQ(service_.received.size(), 10u);
}

TEST_F(GrpcSinkTest, ACollectorThatRestartsGetsEverything) {
  start();
  const int port = port_;
  ExportQueue queue(sink(), {.initial_backoff = 10ms, .max_backoff = 100ms});
  queue.push(sample_batch(5, 0));
  {
    std::unique_lock lock(service_.mutex);
    EXPECT_TRUE(service_.changed.wait_for(lock, 10s, [&] { return service_.calls == 1; }));
  }
  stop();
  queue.push(sample_batch(7, 100));
  while (queue.statistics().retries < 2) std::this_thread::sleep_for(5ms);
  start(port);
  queue.drain(20s);
  EXPECT_EQ(queue.statistics().exported, 12u);
  EXPECT_EQ(std::set(service_.received.begin(), service_.received.end()).size(), 12u);
}

TEST_F(GrpcSinkTest, AMissingCollectorIsARetry) {
  start();
  const OtlpExport config = target();
  stop();
  const Delivery delivery = sink(config)->deliver(*sample_batch(1));
  EXPECT_EQ(delivery.outcome, Outcome::Retry);
  EXPECT_THAT(delivery.message, HasSubstr("UNAVAILABLE"));
}

TEST_F(GrpcSinkTest, KeepsTheTimeout) {
  start();
  service_.hang = true;
  OtlpExport config = target();
  config.timeout = 50ms;
  const auto sink = this->sink(config);
  const Delivery delivery = sink->deliver(*sample_batch(1));
  EXPECT_EQ(delivery.outcome, Outcome::Retry);
  EXPECT_THAT(delivery.message, HasSubstr("DEADLINE_EXCEEDED"));
  const std::lock_guard lock(service_.mutex);
  service_.hang = false;
  service_.changed.notify_all();
}

TEST_F(GrpcSinkTest, CancelEndsACallAndAllLaterOnes) {
  start();
  service_.hang = true;
  const auto sink = this->sink();
  std::thread canceller([&] {
    {
      std::unique_lock lock(service_.mutex);
      service_.changed.wait(lock, [&] { return service_.calls == 1; });
    }
    sink->cancel();
  });
  const auto start_time = std::chrono::steady_clock::now();
  EXPECT_EQ(sink->deliver(*sample_batch(1)).outcome, Outcome::Retry);
  EXPECT_LT(std::chrono::steady_clock::now() - start_time, 8s);
  canceller.join();
  EXPECT_EQ(sink->deliver(*sample_batch(1)).outcome, Outcome::Retry);
  EXPECT_EQ(service_.calls, 1u);
  const std::lock_guard lock(service_.mutex);
  service_.hang = false;
  service_.changed.notify_all();
}

std::shared_ptr<SpanBatch> large_batch(size_t spans, size_t text_size) {
  auto batch = std::make_shared<SpanBatch>();
  SpanBuilder builder;
  const std::string text(text_size, 'x');
  const auto resource = sample_resource("large");
  for (size_t i = 0; i < spans; ++i) {
    builder.clear();
    builder.attribute("text", text);
    Span span;
    span.trace_id.fill(1);
    span.span_id = {1, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)};
    span.resource = batch->resource_index(resource);
    builder.commit(span, *batch);
  }
  return batch;
}

TEST_F(GrpcSinkTest, SplitsWhatIsTooLarge) {
  start();
  const auto sink = this->sink();
  EXPECT_EQ(sink->deliver(*large_batch(300, 40'000)).outcome, Outcome::Delivered);  // 12 MB
  EXPECT_GE(service_.calls, 4u);
  EXPECT_LE(service_.largest, 3'500'000u);
  EXPECT_EQ(service_.received.size(), 300u);
  EXPECT_EQ(std::set(service_.received.begin(), service_.received.end()).size(), 300u);
}

TEST_F(GrpcSinkTest, ASplitBatchIsNotSentTwiceWhenRetried) {
  start();
  service_.answers.push_back({.status = {}, .rejected = 2, .message = "two"});
  answer(grpc::StatusCode::UNAVAILABLE);
  const auto sink = this->sink();
  const auto batch = large_batch(300, 40'000);
  EXPECT_EQ(sink->deliver(*batch).outcome, Outcome::Retry);
  const Delivery delivery = sink->deliver(*batch);
  EXPECT_EQ(delivery.outcome, Outcome::Delivered);
  EXPECT_EQ(delivery.rejected_spans, 2u);
  EXPECT_EQ(delivery.message, "two");
  EXPECT_EQ(service_.received.size(), 300u);
  EXPECT_EQ(std::set(service_.received.begin(), service_.received.end()).size(), 300u);
}

TEST_F(GrpcSinkTest, ASpanTooLargeForTheReceiverIsRefusedAlone) {
  start();
  const auto sink = this->sink();
  const Delivery delivery = sink->deliver(*large_batch(2, 5'000'000));
  EXPECT_EQ(delivery.outcome, Outcome::Delivered);
  EXPECT_EQ(delivery.rejected_spans, 2u);
  EXPECT_EQ(sink->deliver(*sample_batch(1)).outcome, Outcome::Delivered);
}

TEST(MakeGrpcSink, RefusesHeadersThatGrpcCannotSend) {
  for (const auto& [key, value] : {std::pair<std::string, std::string>{"", "x"},
                                   {"with space", "x"},
                                   {"grpc-timeout", "1S"},
                                   {":path", "/"},
                                   {"key", "line\nbreak"},
                                   {"key", "gr\u00fcn"}}) {
    OtlpExport target;
    target.headers = {{key, value}};
    const auto sink = make_grpc_sink(target);
    ASSERT_FALSE(sink) << key << ": " << value;
    EXPECT_THAT(sink.error().message, HasSubstr("'" + key + "'"));
  }
  OtlpExport binary;
  binary.headers = {{"key-bin", "gr\u00fcn\n"}};
  EXPECT_TRUE(make_grpc_sink(binary));
}

// A key and a certificate for localhost that certifies itself.
struct Identity {
  std::string key, certificate;

  Identity() {
    EVP_PKEY* pair = EVP_EC_gen("P-256");
    X509* x509 = X509_new();
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, pair);
    X509_NAME* name = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(x509, name);
    X509_EXTENSION* names =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    X509_add_ext(x509, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(x509, pair, EVP_sha256());
    key = pem([&](BIO* out) {
      PEM_write_bio_PrivateKey(out, pair, nullptr, nullptr, 0, nullptr, nullptr);
    });
    certificate = pem([&](BIO* out) { PEM_write_bio_X509(out, x509); });
    X509_free(x509);
    EVP_PKEY_free(pair);
  }

  template <typename Write>
  static std::string pem(Write write) {
    BIO* out = BIO_new(BIO_s_mem());
    write(out);
    char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);
    std::string text(data, static_cast<size_t>(size));
    BIO_free(out);
    return text;
  }
};

TEST_F(GrpcSinkTest, TlsWithOwnRootsAndClientCertificate) {
  const Identity server, client;
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = client.certificate;
  options.pem_key_cert_pairs.push_back({server.key, server.certificate});
  start(0, grpc::SslServerCredentials(options));

  std::string name = (std::filesystem::temp_directory_path() / "clew-tls-XXXXXX").string();
  const std::filesystem::path directory = mkdtemp(name.data());
  const auto file = [&](const char* file_name, const std::string& content) {
    std::ofstream(directory / file_name) << content;
    return (directory / file_name).string();
  };
  OtlpExport config = target("https://");
  config.certificate = file("roots.pem", server.certificate);
  EXPECT_EQ(sink(config)->deliver(*sample_batch(1)).outcome, Outcome::Retry);  // who are you?
  config.client_certificate = file("client.pem", client.certificate);
  config.client_key = file("client.key", client.key);
  EXPECT_EQ(sink(config)->deliver(*sample_batch(9)).outcome, Outcome::Delivered);
  config.certificate = file("others.pem", client.certificate);
  EXPECT_EQ(sink(config)->deliver(*sample_batch(1)).outcome, Outcome::Retry);
  EXPECT_EQ(service_.received.size(), 9u);
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace clew
