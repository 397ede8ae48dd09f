// Every way of being cut off, and thousands of being garbled: what is read is right, short or
// absent.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "symbolizer/executable.h"
#include "tests/unit/symbolizer/memory_file.h"

namespace clew {
namespace {

const std::string& sample() {
  static const std::string content = content_of(CLEW_SAMPLE_PROGRAM);
  return content;
}

void expect_sane(const ExecutableInfo& info) {
  EXPECT_LE(info.build_id.size(), 128u);
  EXPECT_TRUE(std::ranges::all_of(
      info.build_id, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }));
  for (const auto& text : {info.go_version, info.go_module}) {
    EXPECT_LE(text.size(), 512u);
    EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; }));
  }
}

TEST(DamagedExecutable, CutOffAnywhereTellsTheTruthOrNothing) {
  MemoryFile file(sample());
  size_t length = sample().size();
  size_t told = 0;
  while (length > 0) {
    // Densely at the end, where the table of sections stands, and at the start.
    const bool dense = length < 2048 || sample().size() - length < 2048;
    length -= std::min<size_t>(length, dense ? 1 : 13);
    file.resize(length);
    const auto info = read_executable(file.fd());
    if (!info) {
      EXPECT_FALSE(info.error().message.empty());
      continue;
    }
    for (const auto& [read, truth] : {std::pair{info->build_id, "0123456789abcdef"},
                                      {info->go_version, "go1.26.8"},
                                      {info->go_module, "example.test/cart"}}) {
      EXPECT_TRUE(read.empty() || read == truth) << read << " in the first " << length << " bytes";
      if (!read.empty()) ++told;
    }
  }
  EXPECT_GT(told, 0u);  // the segment of notes stands at the start
}

// Inverts bits, most of them where the structure is: the headers, the notes, the table of sections.
TEST(DamagedExecutable, GarbledAnywhereIsReadSafely) {
  std::mt19937 random(20240229);
  MemoryFile file(sample());
  size_t refused = 0, changed = 0;
  for (int round = 0; round < 6000; ++round) {
    std::vector<size_t> places;
    for (size_t count = 1 + random() % 4; count > 0; --count) {
      const size_t size = sample().size();
      const size_t near = random() % std::min<size_t>(size, 2048);
      const std::array choices = {random() % size, near, size - 1 - near};
      places.push_back(choices[random() % choices.size()]);
      const char garbled = static_cast<char>(sample()[places.back()] ^ (1 << random() % 8));
      file.write_at({garbled}, places.back());
    }
    const auto info = read_executable(file.fd());
    if (info) {
      expect_sane(*info);
      changed += info->build_id != "0123456789abcdef" || info->go_version != "go1.26.8";
    } else {
      ++refused;
    }
    for (const size_t place : places) file.write_at({sample()[place]}, place);
  }
  EXPECT_GT(refused, 0u);
  EXPECT_GT(changed, 0u);
  const auto info = read_executable(file.fd());
  ASSERT_TRUE(info);
  EXPECT_EQ(info->build_id, "0123456789abcdef");
}

// Fields of the headers set to values that arithmetic goes wrong with.
TEST(DamagedExecutable, ExtremeHeaderFieldsAreReadSafely) {
  MemoryFile file(sample());
  for (size_t place = 16; place + 8 <= 2048; ++place) {
    for (const uint64_t value :
         {uint64_t{0}, ~uint64_t{0}, uint64_t{1} << 63, uint64_t{0xffff'fff0}}) {
      for (const size_t width : {2, 4, 8}) {
        file.write_at(bytes_of(value).substr(0, width), place);
        if (const auto info = read_executable(file.fd())) expect_sane(*info);
      }
    }
    file.write_at(sample().substr(place, 8), place);
  }
}

TEST(DamagedExecutable, NoiseBehindAHeaderIsReadSafely) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = sample().substr(0, 64);
    for (size_t count = random() % 4096; count > 0; --count) {
      bytes += static_cast<char>(random());
    }
    const MemoryFile file(bytes);
    if (const auto info = read_executable(file.fd())) expect_sane(*info);
  }
}

}  // namespace
}  // namespace clew
