#include "probes/processes.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "probes/handles.h"

namespace clew {
namespace {

using namespace std::string_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kId = "0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdef0123456789abcdef";
const std::string kOuter(64, 'a');

struct CgroupCase {
  std::string text;
  std::string expected;
};

class ContainerIdTest : public ::testing::TestWithParam<CgroupCase> {};

TEST_P(ContainerIdTest, IsFound) {
  EXPECT_EQ(container_id_of(GetParam().text), GetParam().expected) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Inside, ContainerIdTest,
    ::testing::Values(
        // Docker: cgroup v1 with cgroupfs, v1 with systemd, v2 with systemd
        CgroupCase{"12:memory:/docker/" + kId + "\n1:name=systemd:/docker/" + kId + "\n", kId},
        CgroupCase{"5:cpu,cpuacct:/system.slice/docker-" + kId + ".scope\n", kId},
        CgroupCase{"0::/system.slice/docker-" + kId + ".scope\n", kId},
        // Kubernetes with containerd: cgroupfs, systemd
        CgroupCase{"11:pids:/kubepods/besteffort/pod8a1f5c2e-0b7e-4f53-9d0b-6c2f0d7d3a11/" + kId,
                   kId},
        CgroupCase{
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod8a1f5c2e_0b7e_"
            "4f53_9d0b_6c2f0d7d3a11.slice/cri-containerd-" +
                kId + ".scope",
            kId},
        // CRI-O
        CgroupCase{"0::/kubepods.slice/kubepods-pod8a1f5c2e.slice/crio-" + kId + ".scope", kId},
        CgroupCase{"0::/kubepods.slice/kubepods-pod8a1f5c2e.slice/crio-" + kId + ".scope/container",
                   kId},
        // podman: as root, rootless, with cgroupfs
        CgroupCase{"0::/machine.slice/libpod-" + kId + ".scope/container\n", kId},
        CgroupCase{"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + kId +
                       ".scope/container",
                   kId},
        CgroupCase{"4:devices:/libpod_parent/libpod-" + kId + "\n", kId},
        // A container in a container: the inner one
        CgroupCase{"0::/docker/" + kOuter + "/docker/" + kId + "\n", kId}));

INSTANTIATE_TEST_SUITE_P(
    Outside, ContainerIdTest,
    ::testing::Values(CgroupCase{"", ""}, CgroupCase{"0::/\n", ""},
                      CgroupCase{"0::/system.slice/nginx.service\n", ""},
                      CgroupCase{"0::/user.slice/user-0.slice/session-1.scope\n", ""},
                      CgroupCase{"0::/docker/" + kId.substr(1) + "\n", ""},
                      CgroupCase{"0::/docker/" + kId + "0\n", ""},
                      CgroupCase{"0::/docker/" + std::string(64, 'G') + "\n", ""}));

TEST(SplitArguments, AtEveryNul) {
  EXPECT_THAT(split_arguments("python3\0-m\0http.server\0"s),
              ElementsAre("python3", "-m", "http.server"));
  EXPECT_THAT(split_arguments("cut\0of"s), ElementsAre("cut", "of"));
  EXPECT_THAT(split_arguments("a\0\0b\0"s), ElementsAre("a", "", "b"));
  EXPECT_THAT(split_arguments("\0"s), ElementsAre(""));
  EXPECT_THAT(split_arguments(""), IsEmpty());
}

TEST(ReadProcess, ReadsThisOne) {
  const auto own = read_process(static_cast<uint32_t>(getpid()));
  ASSERT_TRUE(own);
  EXPECT_EQ(own->pid, static_cast<uint32_t>(getpid()));
  EXPECT_EQ(own->parent, static_cast<uint32_t>(getppid()));
  EXPECT_EQ(own->executable, std::filesystem::read_symlink("/proc/self/exe").string());
  EXPECT_EQ(own->working_directory, std::filesystem::current_path().string());
  ASSERT_FALSE(own->arguments.empty());
  // The kernel keeps fifteen characters of it.
  const auto name = std::filesystem::path(own->executable).filename().string();
  EXPECT_EQ(own->command, name.substr(0, 15));
}

TEST(ReadProcess, ReadsWhatAnotherWasStartedWith) {
  std::string arguments[] = {"a (strange) name", "60"};
  std::string environment[] = {"PATH=/bin", "OTEL_SERVICE_NAME=sleeper",
                               "OTEL_RESOURCE_ATTRIBUTES=team=a,tier=b",
                               "OTHER_OTEL_SERVICE_NAME=x"};
  char* argv[] = {arguments[0].data(), arguments[1].data(), nullptr};
  char* envp[] = {environment[0].data(), environment[1].data(), environment[2].data(),
                  environment[3].data(), nullptr};
  pid_t pid = 0;
  ASSERT_EQ(posix_spawn(&pid, "/bin/sleep", nullptr, nullptr, argv, envp), 0);
  // It returns while the new program is still being set up.
  std::optional<ProcessInfo> sleeper;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  do {
    std::this_thread::yield();
    sleeper = read_process(static_cast<uint32_t>(pid));
  } while (sleeper && (sleeper->arguments.empty() || sleeper->otel_service_name.empty()) &&
           std::chrono::steady_clock::now() < deadline);
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  ASSERT_TRUE(sleeper);
  EXPECT_EQ(sleeper->parent, static_cast<uint32_t>(getpid()));
  EXPECT_EQ(sleeper->command, "sleep");
  EXPECT_THAT(sleeper->arguments, ElementsAre("a (strange) name", "60"));
  EXPECT_EQ(sleeper->otel_service_name, "sleeper");
  EXPECT_EQ(sleeper->otel_resource_attributes, "team=a,tier=b");
}

TEST(ReadProcess, ThereIsNoSuchProcess) {
  EXPECT_FALSE(read_process(10'000'001));  // beyond the kernel's largest
}

TEST(ListProcesses, HoldsThisOneAndNoKernelThread) {
  const auto pids = list_processes();
  EXPECT_THAT(pids, Contains(static_cast<uint32_t>(getpid())));
  const auto second = read_process(2);
  if (second && second->command == "kthreadd") {
    EXPECT_THAT(pids, Not(Contains(2u)));
  }
}

class ListeningTest : public ::testing::TestWithParam<int> {
 protected:
  ListeningTest() : socket_(::socket(GetParam(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {}

  bool open() {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_addr = in6addr_loopback;
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool is_six = GetParam() == AF_INET6;
    auto* address = is_six ? reinterpret_cast<sockaddr*>(&six) : reinterpret_cast<sockaddr*>(&four);
    socklen_t length = is_six ? sizeof(six) : sizeof(four);
    if (!socket_ || bind(socket_.get(), address, length) != 0) return false;
    if (getsockname(socket_.get(), address, &length) != 0) return false;
    port_ = ntohs(is_six ? six.sin6_port : four.sin_port);
    return true;
  }
  static std::vector<uint32_t> who(int first, int last) {
    const clew_port_range range{static_cast<uint16_t>(first), static_cast<uint16_t>(last)};
    return listening_processes({&range, 1});
  }

  Fd socket_;
  int port_ = 0;
  const uint32_t own_ = static_cast<uint32_t>(getpid());
};

TEST_P(ListeningTest, FindsWhoListens) {
  if (!open()) GTEST_SKIP() << "no such address family here";
  EXPECT_THAT(who(port_, port_), Not(Contains(own_))) << "bound is not listening";
  ASSERT_EQ(listen(socket_.get(), 1), 0);
  EXPECT_THAT(who(port_, port_), Contains(own_));
  EXPECT_THAT(who(port_ - 1, port_ + 1), Contains(own_));
  EXPECT_THAT(who(port_ + 1, port_ + 1), Not(Contains(own_)));
  EXPECT_THAT(who(port_ - 1, port_ - 1), Not(Contains(own_)));
  socket_.reset();
  EXPECT_THAT(who(port_, port_), Not(Contains(own_)));
}

INSTANTIATE_TEST_SUITE_P(Families, ListeningTest, ::testing::Values(AF_INET, AF_INET6));

TEST(Listening, NoRangeNobody) {
  EXPECT_THAT(listening_processes({}), IsEmpty());
}

}  // namespace
}  // namespace clew
