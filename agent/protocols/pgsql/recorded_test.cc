// Conversations of real clients with a real server (corpus/, made by record.py).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "agent/protocols/pgsql/replay.h"
#include "agent/protocols/pgsql/test_support.h"

namespace clew::pgsql {
namespace {

std::vector<uint8_t> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void replay(Chat& chat, const std::vector<uint8_t>& recorded, size_t piece) {
  for (const Call& call : decode_calls(recorded)) {
    if (call.kind == Call::Bytes) chat.split(call.side, as_text(call.bytes), piece);
  }
  chat.finish();
}

TEST(PgsqlRecorded, EveryConversationIsToldWhole) {
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(CLEW_PGSQL_CORPUS)) {
    const auto recorded = read_file(entry.path());
    ASSERT_FALSE(recorded.empty());
    ++files;
    Chat whole;
    replay(whole, recorded, 65536);
    const std::string expected_name = entry.path().string();
    for (const std::string& line : whole.ended()) {
      EXPECT_THAT(line, testing::HasSubstr(" Complete ")) << expected_name;
    }
    EXPECT_FALSE(whole.ended().empty()) << expected_name;
    for (const size_t piece : {1, 2, 3, 7, 64, 1000}) {
      Chat split;
      replay(split, recorded, piece);
      EXPECT_EQ(split.log(), whole.log()) << expected_name << " by " << piece;
    }
  }
  EXPECT_GE(files, 6);
}

}  // namespace
}  // namespace clew::pgsql
