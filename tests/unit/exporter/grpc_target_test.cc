#include "exporter/grpc_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace clew {
namespace {

using ::testing::HasSubstr;

TEST(GrpcEndpoint, Forms) {
  struct Row {
    const char* endpoint;
    const char* address;
    bool tls, loopback;
  };
  for (const Row& row : {
           Row{"http://localhost:4317", "localhost:4317", false, true},
           Row{"http://127.0.0.1:4317/", "127.0.0.1:4317", false, true},
           Row{"HTTP://LocalHost", "LocalHost:4317", false, true},
           Row{"https://collector.example.com", "collector.example.com:4317", true, false},
           Row{"https://collector.example.com:443", "collector.example.com:443", true, false},
           Row{"collector:55680", "collector:55680", false, false},
           Row{"http://[::1]:4317", "[::1]:4317", false, true},
           Row{"[2001:db8::1]", "[2001:db8::1]:4317", false, false},
       }) {
    const auto target = parse_grpc_endpoint(row.endpoint);
    ASSERT_TRUE(target) << target.error().message;
    EXPECT_EQ(target->address, row.address);
    EXPECT_EQ(target->tls, row.tls) << row.endpoint;
    EXPECT_EQ(target->loopback, row.loopback) << row.endpoint;
  }
}

TEST(GrpcEndpoint, MalformedOnesAreNamed) {
  for (const char* endpoint :
       {"", "http://", "http://:4317", "ftp://host:1", "http://host:0", "http://host:65536",
        "http://host:", "http://host:12x", "http://host:4317/v1/traces", "http://user@host:4317",
        "http://[::1:4317", "http://[]:4317", "http://[::1]4317", "::1:4317", "http://a b"}) {
    const auto target = parse_grpc_endpoint(endpoint);
    ASSERT_FALSE(target) << endpoint;
    EXPECT_THAT(target.error().message, HasSubstr(std::string("'") + endpoint + "'"));
  }
}

TEST(TlsFiles, ErrorsNameTheFile) {
  OtlpExport target;
  EXPECT_TRUE(read_tls_files(target));
  target.certificate = "/nonexistent/roots.pem";
  EXPECT_EQ(read_tls_files(target).error().message,
            "cannot read /nonexistent/roots.pem: No such file or directory");
  const std::string path = testing::TempDir() + "clew-not-a-certificate";
  std::ofstream(path) << "hello";
  target.certificate = path;
  EXPECT_EQ(read_tls_files(target).error().message, path + " is not a PEM file");
  std::remove(path.c_str());
  target.certificate.clear();
  target.client_key = "key.pem";
  EXPECT_THAT(read_tls_files(target).error().message, HasSubstr("go together"));
}

}  // namespace
}  // namespace clew
