#include "agent/metadata/resource.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

namespace clew {
namespace {

struct NameCase {
  std::string expected;
  std::string executable;
  std::vector<std::string> arguments;
  std::string working_directory = {};
};

void PrintTo(const NameCase& named, std::ostream* out) {
  for (const auto& argument : named.arguments) *out << '[' << argument << ']';
}

class ServiceNameTest : public ::testing::TestWithParam<NameCase> {};

TEST_P(ServiceNameTest, IsWhatAPersonWouldSay) {
  ProcessInfo process;
  process.executable = GetParam().executable;
  process.arguments = GetParam().arguments;
  process.working_directory = GetParam().working_directory;
  EXPECT_EQ(service_name_of(process), GetParam().expected);
}

const std::string kPython = "/usr/bin/python3.11";
const std::string kNode = "/usr/bin/node";
const std::string kJava = "/usr/lib/jvm/java-17/bin/java";

INSTANTIATE_TEST_SUITE_P(
    Python, ServiceNameTest,
    ::testing::Values(
        NameCase{"checkout", kPython, {"python3", "checkout.py"}, "/srv"},
        NameCase{"checkout", kPython, {"python3", "/srv/shop/checkout.py", "--port", "80"}},
        NameCase{"checkout", kPython, {"python3", "-u", "checkout.py"}, "/srv"},
        NameCase{"checkout", kPython, {"python3", "-W", "error", "-X", "dev", "checkout.py"}},
        NameCase{"http.server", kPython, {"python3", "-m", "http.server", "8000"}},
        NameCase{"http.server", kPython, {"python3", "-mhttp.server", "8000"}},
        NameCase{"http.server", kPython, {"python3", "-um", "http.server"}},
        NameCase{"train", kPython, {"python3", "train.py", "-m", "resnet"}},
        NameCase{"gunicorn", kPython, {"/usr/bin/python3", "/usr/bin/gunicorn", "shop.wsgi:app"}},
        NameCase{"uvicorn", kPython, {"/usr/bin/python3", "/opt/venv/bin/uvicorn", "main:app"}},
        NameCase{"shop", kPython, {"python3", "manage.py", "runserver"}, "/srv/shop"},
        NameCase{"shop", kPython, {"python3", "/srv/shop/__main__.py"}},
        NameCase{"shop", kPython, {"python3", "/srv/shop/"}},
        NameCase{"python", kPython, {"python3"}},
        NameCase{"python", kPython, {"python3", "-", "80"}},
        NameCase{"python", kPython, {"python3", "-c", "import http.server; serve()"}},
        NameCase{"python", kPython, {"python3", "-uc", "import http.server; serve()"}},
        // What rewrites its own command line leaves empty arguments behind.
        NameCase{"python3.11", kPython, {"", "", ""}},
        NameCase{"python3.11", kPython, {"gunicorn: worker [shop]", "", "", ""}},
        NameCase{"python3.11", kPython, {"python3", "-m", ""}},
        NameCase{"python", kPython, {"python3", "-m"}}));

INSTANTIATE_TEST_SUITE_P(
    Node, ServiceNameTest,
    ::testing::Values(
        NameCase{"prices", kNode, {"node", "prices.js"}, "/srv"},
        NameCase{"prices", kNode, {"node", "index.js"}, "/srv/prices"},
        NameCase{"prices", kNode, {"node", "./index.js"}, "/srv/prices"},
        NameCase{"prices", kNode, {"node", "../index.mjs"}, "/srv/prices/dist"},
        NameCase{"prices", kNode, {"node", "/srv/prices/server.js"}, "/"},
        NameCase{"prices", kNode, {"node", "dist/src/main.js"}, "/srv/prices"},
        NameCase{"main", kNode, {"node", "src/main.js"}, "/"},
        NameCase{
            "prices", kNode, {"node", "-r", "dotenv/config", "--inspect", "prices.js"}, "/srv"},
        NameCase{"server", kNode, {"node", "server.js"}, "/"},
        NameCase{"server", kNode, {"node", "/server.js"}, "/srv"},
        NameCase{"index", kNode, {"node", "index.js"}},
        NameCase{"node", kNode, {"node", "-e", "require('http').createServer().listen(80)"}},
        NameCase{"node", kNode, {"node"}}));

INSTANTIATE_TEST_SUITE_P(
    Java, ServiceNameTest,
    ::testing::Values(
        NameCase{"shop-1.2", kJava, {"java", "-Xmx1g", "-jar", "/srv/shop-1.2.jar", "--port=80"}},
        NameCase{"ShopServer", kJava, {"java", "-cp", "/srv/lib/*", "org.example.ShopServer"}},
        NameCase{"ShopServer",
                 kJava,
                 {"java", "--add-opens", "java.base/java.lang=ALL-UNNAMED", "--class-path", "/srv",
                  "org.example.ShopServer", "x"}},
        NameCase{"java", kJava, {"java", "-version"}},
        NameCase{"java", kJava, {"java", "broken."}}));

INSTANTIATE_TEST_SUITE_P(
    Plain, ServiceNameTest,
    ::testing::Values(NameCase{"nginx", "/usr/sbin/nginx", {"nginx: worker process"}},
                      NameCase{"shop", "/srv/shop", {"./shop", "--script.py"}},
                      NameCase{"unknown_service", "", {}}));

TEST(ServiceName, IsThatOfTheLinkThatAProgramWasStartedBy) {
  ProcessInfo process;
  process.executable = "/usr/bin/redis-check-rdb";
  process.command = "redis-server";
  process.arguments = {"/usr/bin/redis-server 127.0.0.1:6379"};
  EXPECT_EQ(service_name_of(process), "redis-server");
  process.command = "a-program-with-";
  process.arguments = {"./a-program-with-a-long-name", "-v"};
  EXPECT_EQ(service_name_of(process), "a-program-with-a-long-name");
  process.command = "something else";
  EXPECT_EQ(service_name_of(process), "redis-check-rdb");
}

TEST(ServiceName, WithoutExecutableTheCommandNamesIt) {
  ProcessInfo process;
  process.command = "worker";
  EXPECT_EQ(service_name_of(process), "worker");
}

TEST(ServiceName, TheProcesssOwnSettingBeatsAllGuesses) {
  ProcessInfo process;
  process.executable = kPython;
  process.arguments = {"python3", "checkout.py"};
  process.otel_service_name = "checkout-service";
  EXPECT_EQ(service_name_of(process), "checkout-service");
}

TEST(RuntimeName, ByTheExecutable) {
  const auto runtime = [](const char* executable) {
    ProcessInfo process;
    process.executable = executable;
    return std::string(runtime_of(process));
  };
  EXPECT_EQ(runtime("/usr/bin/python3.11"), "cpython");
  EXPECT_EQ(runtime("/usr/local/bin/node"), "nodejs");
  EXPECT_EQ(runtime("/usr/lib/jvm/java-17/bin/java"), "openjdk");
  EXPECT_EQ(runtime("/usr/bin/ruby3.1"), "ruby");
  EXPECT_EQ(runtime("/usr/bin/php8.2"), "php");
  EXPECT_EQ(runtime("/usr/bin/nodelike"), "");
  EXPECT_EQ(runtime("/usr/sbin/nginx"), "");
}

class ResourceTest : public ::testing::Test {
 protected:
  ResourceTest() {
    process.pid = 4711;
    process.executable = "/usr/sbin/nginx";
    process.command = "nginx";
  }
  std::shared_ptr<const Resource> made(const std::string& rule_name = {}) const {
    return make_resource(process, settings, rule_name);
  }
  std::string value(const std::string& key, const std::string& rule_name = {}) const {
    const auto resource = made(rule_name);
    const auto found = std::ranges::find(resource->attributes, key, &Resource::Entry::key);
    if (found == resource->attributes.end()) return "absent";
    return found->type == AttributeType::Text ? found->text : std::to_string(found->integer);
  }

  ProcessInfo process;
  ResourceSettings settings{.service_name = {}, .attributes = {}, .agent_version = "1.2.3"};
};

TEST_F(ResourceTest, DescribesTheProcess) {
  process.container_id = std::string(64, 'a');
  EXPECT_EQ(made()->process_id, 4711u);
  EXPECT_EQ(made()->service_name, "nginx");
  EXPECT_EQ(value("service.name"), "nginx");
  EXPECT_EQ(value("process.pid"), "4711");
  EXPECT_EQ(value("process.executable.name"), "nginx");
  EXPECT_EQ(value("process.executable.path"), "/usr/sbin/nginx");
  EXPECT_EQ(value("container.id"), std::string(64, 'a'));
  EXPECT_EQ(value("telemetry.sdk.version"), "1.2.3");
  EXPECT_EQ(value("os.type"), "linux");
  std::array<char, 256> host{};
  ASSERT_EQ(gethostname(host.data(), host.size() - 1), 0);
  EXPECT_EQ(value("host.name"), host.data());
}

TEST_F(ResourceTest, WhatIsNotKnownIsLeftOut) {
  EXPECT_EQ(value("container.id"), "absent");
  EXPECT_EQ(value("process.runtime.name"), "absent");
}

TEST_F(ResourceTest, EveryKeyStandsOnce) {
  process.otel_service_name = "own";
  process.otel_resource_attributes = "service.name=other,os.type=bsd,process.pid=1,team=a,team=b";
  settings.service_name = "all";
  settings.attributes = {{"team", "c"}, {"service.name", "x"}};
  const auto resource = made("rule");
  std::set<std::string> keys;
  for (const auto& entry : resource->attributes) {
    EXPECT_TRUE(keys.insert(entry.key).second) << entry.key;
  }
}

// From the weakest to the strongest.
TEST_F(ResourceTest, WhoDecidesTheServiceName) {
  EXPECT_EQ(value("service.name"), "nginx");
  process.otel_resource_attributes = "service.name=attribute";
  EXPECT_EQ(value("service.name"), "attribute");
  process.otel_service_name = "own";
  EXPECT_EQ(value("service.name"), "own");
  settings.attributes = {{"service.name", "setting"}};
  EXPECT_EQ(value("service.name"), "setting");
  settings.service_name = "all";
  EXPECT_EQ(value("service.name"), "all");
  EXPECT_EQ(value("service.name", "rule"), "rule");
  EXPECT_EQ(made("rule")->service_name, "rule");
}

TEST_F(ResourceTest, TheProcesssOwnAttributes) {
  process.otel_resource_attributes = "team=shop,deployment.environment.name=a%20b%2Cc,=x,y,,z=";
  EXPECT_EQ(value("team"), "shop");
  EXPECT_EQ(value("deployment.environment.name"), "a b,c");
  EXPECT_EQ(value("y"), "absent");
  EXPECT_EQ(value("z"), "absent");
  EXPECT_EQ(value(""), "absent");
}

TEST_F(ResourceTest, MalformedEscapesStay) {
  process.otel_resource_attributes = "a=%,b=100%,c=%zz,d=%2";
  EXPECT_EQ(value("a"), "%");
  EXPECT_EQ(value("b"), "100%");
  EXPECT_EQ(value("c"), "%zz");
  EXPECT_EQ(value("d"), "%2");
}

TEST_F(ResourceTest, SettingsBeatTheProcesssOwnAttributes) {
  process.otel_resource_attributes = "team=shop";
  settings.attributes = {{"team", "platform"}};
  EXPECT_EQ(value("team"), "platform");
}

TEST_F(ResourceTest, ThereIsAlwaysAServiceName) {
  process = ProcessInfo{};
  EXPECT_EQ(made()->service_name, "unknown_service");
  process.executable = kPython;
  process.arguments = {"", ""};
  EXPECT_FALSE(made()->service_name.empty());
}

}  // namespace
}  // namespace clew
