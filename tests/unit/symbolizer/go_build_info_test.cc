#include "symbolizer/go_build_info.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "symbolizer/executable.h"

namespace clew {
namespace {

using testing::IsEmpty;

constexpr std::string_view kMark = "0123456789abcdef";

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

std::string header(char flags = 2) {
  std::string bytes = "\xff Go buildinf:\x08";
  bytes += flags;
  bytes.resize(32);
  return bytes;
}

std::string build_info(const std::string& version, const std::string& lines) {
  const auto text = fmt::format("{}{}{}", kMark, lines, kMark);
  return header() + varint(version.size()) + version + varint(text.size()) + text;
}

GoBuildInfo parse(std::string_view content) {
  // A copy of exactly that size, so that reading past it is seen.
  const std::vector<uint8_t> bytes(content.begin(), content.end());
  return parse_go_build_info(bytes);
}

// The first line a command prints; empty if it fails.
std::string output_of(const std::string& command) {
  FILE* pipe = popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return {};
  std::string text;
  std::array<char, 4096> block;
  while (const size_t length = fread(block.data(), 1, block.size(), pipe)) {
    text.append(block.data(), length);
  }
  return pclose(pipe) == 0 ? text : std::string{};
}

TEST(GoBuildInfo, TellsVersionAndMainModule) {
  const auto info =
      parse(build_info("go1.26.8 X:nodwarf5",
                       "path\texample.test/cart/cmd\nmod\texample.test/cart\t(devel)\t\n"
                       "dep\texample.test/dep\tv1.0.0\th1:x\nbuild\tGOOS=linux\n"));
  EXPECT_EQ(info.version, "go1.26.8 X:nodwarf5");
  EXPECT_EQ(info.module, "example.test/cart");
}

TEST(GoBuildInfo, AProgramOutsideModulesIsKnownByItsPackage) {
  EXPECT_EQ(parse(build_info("go1.18", "path\tcommand-line-arguments\n")).module,
            "command-line-arguments");
  const auto bare = parse(header() + varint(6) + "go1.18" + varint(0));
  EXPECT_EQ(bare.version, "go1.18");
  EXPECT_THAT(bare.module, IsEmpty());
}

TEST(GoBuildInfo, OtherContentTellsNothing) {
  EXPECT_THAT(parse("").version, IsEmpty());
  EXPECT_THAT(parse(std::string(100, 'x')).version, IsEmpty());
  // Before Go 1.18: pointers.
  EXPECT_THAT(parse(header(0) + varint(4) + "go1x" + varint(0)).version, IsEmpty());
  EXPECT_THAT(parse(build_info("go\x01", "mod\tx\t\n")).version, IsEmpty());
  EXPECT_THAT(parse(build_info("go1.18", "mod\ta\xff\t\n")).module, IsEmpty());
  EXPECT_THAT(parse(build_info(std::string(513, '1'), "mod\tx\t\n")).version, IsEmpty());
  EXPECT_THAT(parse(build_info("go1.18", "mod\t" + std::string(513, 'x') + "\t\n")).module,
              IsEmpty());
}

TEST(GoBuildInfo, CutOffTellsTheTruthOrNothing) {
  const auto whole =
      build_info("go1.26.8", "path\texample.test/cart\nmod\texample.test/cart\tv1\n");
  for (size_t length = 0; length < whole.size(); ++length) {
    const auto info = parse(std::string_view(whole).substr(0, length));
    EXPECT_TRUE(info.version.empty() || info.version == "go1.26.8") << length;
    EXPECT_TRUE(info.module.empty() || info.module == "example.test/cart") << length;
  }
}

TEST(GoBuildInfo, LengthsMayClaimAnything) {
  EXPECT_THAT(parse(header() + varint(~uint64_t{0}) + "go1").version, IsEmpty());
  EXPECT_THAT(parse(header() + std::string(40, '\xff')).version, IsEmpty());
  EXPECT_THAT(parse(header() + std::string(8, '\xff') + "\x7f" + "go1").version, IsEmpty());
  // Text longer than what was read of the section still tells its first lines.
  const auto lines = std::string("path\ta/b\nmod\ta\tv1\n");
  const auto info =
      parse(header() + varint(4) + "go1." + varint(1 << 30) + std::string(kMark) + lines);
  EXPECT_EQ(info.version, "go1.");
  EXPECT_EQ(info.module, "a");
}

TEST(GoBuildInfo, AgreesWithTheGoToolAboutItself) {
  std::istringstream words(output_of("go version"));
  std::string version;
  for (int i = 0; i < 3; ++i) words >> version;
  if (version.empty()) GTEST_SKIP() << "needs the Go toolchain: no `go` on the PATH";
  std::string root;
  std::getline(std::istringstream(output_of("go env GOROOT")), root);
  const auto info = read_executable(root + "/bin/go");
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->go_version.substr(0, info->go_version.find(' ')), version);
  EXPECT_EQ(info->go_module, "cmd/go");
}

TEST(GoBuildInfo, AgreesWithAProgramJustBuilt) {
  if (output_of("go version").empty()) {
    GTEST_SKIP() << "needs the Go toolchain: no `go` on the PATH";
  }
  const auto folder =
      std::filesystem::path(testing::TempDir()) / fmt::format("clew-symbolizer-go-{}", getpid());
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "go.mod") << "module example.test/shop/cart\n\ngo 1.18\n";
  std::ofstream(folder / "main.go") << "package main\n\nfunc main() {}\n";
  // -B as of Go 1.5; -s -w leave out symbols and debug information as release builds do.
  const auto built =
      output_of(fmt::format("cd '{}' && GOWORK=off GOTOOLCHAIN=local GOFLAGS= CGO_ENABLED=0 "
                            "go build -ldflags='-s -w -B "
                            "0x00112233445566778899aabbccddeeff01234567' -o cart . && echo done",
                            folder.string()));
  const auto info = read_executable((folder / "cart").string());
  std::filesystem::remove_all(folder);
  if (built.empty()) GTEST_SKIP() << "needs a Go toolchain that builds: `go build` failed";
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->build_id, "00112233445566778899aabbccddeeff01234567");
  EXPECT_THAT(info->go_version, testing::StartsWith("go1."));
  EXPECT_EQ(info->go_module, "example.test/shop/cart");
}

}  // namespace
}  // namespace clew
