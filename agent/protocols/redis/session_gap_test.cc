// The session when bytes were not seen: what is still told is right, and it recovers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "agent/protocols/redis/test_support.h"

namespace clew::redis {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Command n is a procedure call named c<n>, its answer an error E<N> in letters: so that each end
// tells both.
std::string letters(uint64_t number) {
  std::string text;
  for (int i = 0; i < 5; ++i, number /= 26) text += static_cast<char>('A' + number % 26);
  return text;
}
std::string call(uint64_t number) {
  return command({"FCALL", letters(number), "0"});
}
std::string answer(uint64_t number) {
  return "-" + letters(number) + " x\r\n";
}

// Every answer is that of its command; the number of those that are.
size_t count_right(const Chat& chat, const std::string& context = {}) {
  size_t right = 0;
  for (const std::string& text : chat.described()) {
    const std::string name = Chat::value_of(text, "db.stored_procedure.name");
    const std::string status = Chat::value_of(text, "db.response.status_code");
    if (status == "-" || name == "-") continue;  // name: its bytes were not seen
    EXPECT_EQ(name, status) << context;
    ++right;
  }
  return right;
}

void expect_all_end_once(const Chat& chat, const std::string& context = {}) {
  EXPECT_EQ(chat.ended().size(), chat.started()) << context;
}

TEST(SessionGaps, HolesInsideStringsAreNoLoss) {
  Chat chat;
  chat.request("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5000\r\nab").gap(Side::Request, 4990);
  chat.more(Side::Request, "12345678\r\n").response("+OK\r\n");
  chat.ask({"GET", "k"}).response("$5000\r\nab").gap(Side::Response, 4998);
  chat.more(Side::Response, "\r\n").ask({"PING"}).response("+PONG\r\n");
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete SET", "1 Complete GET", "2 Complete PING"));
}

TEST(SessionGaps, AReplyWhoseTailIsHiddenEndsWithTheNextTurn) {
  Chat chat;
  for (int i = 0; i < 5; ++i) {
    chat.ask({"LRANGE", "l", "0", "-1"}).response("*100\r\n$1\r\na\r\n").gap(Side::Response, 600);
    chat.more(Side::Response, "$1\r\nz\r\n");
    EXPECT_EQ(chat.ended().size(), static_cast<size_t>(i));
  }
  chat.ask({"PING"}).response("+PONG\r\n");
  EXPECT_THAT(chat.ended(),
              ElementsAre("0 Complete LRANGE", "1 Complete LRANGE", "2 Complete LRANGE",
                          "3 Complete LRANGE", "4 Complete LRANGE", "5 Complete PING"));
  const MessageEvent* end = nullptr;
  for (const MessageEvent& event : chat.all_events()) {
    if (event.exchange == 0 && event.kind == MessageEvent::Kind::ExchangeEnded) end = &event;
  }
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(end->offset, 13 + 600 + 7U);
}

TEST(SessionGaps, CommandsBeforeAHoleStillGetTheirAnswers) {
  Chat chat;
  chat.request(call(0) + call(1)).lost(Side::Request, 100).response(answer(0) + answer(1));
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete FCALL AAAAA", "1 Complete FCALL BAAAA"));
}

TEST(SessionGaps, ALostCommandRecordIsCountedByItsAnswer) {
  Chat chat;
  chat.request(call(0)).response(answer(0));
  chat.lost(Side::Request, 30).response(answer(1));
  chat.request(call(2)).response(answer(2)).request(call(3)).response(answer(3));
  chat.request(call(4)).response(answer(4));
  EXPECT_EQ(count_right(chat), 4U);
  EXPECT_EQ(chat.requests_unseen(), 1U);
}

TEST(SessionGaps, ALostReplyRecordCostsItsTurn) {
  Chat chat;
  for (uint64_t n = 0; n < 10; ++n) {
    chat.request(call(n));
    // The hole is known when the record behind it comes.
    if (n == 4) {
      chat.pause(10);
    } else if (n == 5) {
      chat.lost(Side::Response, answer(4).size()).response(answer(5));
    } else {
      chat.response(answer(n));
    }
  }
  EXPECT_EQ(count_right(chat), 9U);
  EXPECT_THAT(chat.ended(), Contains("4 GapLost FCALL"));
  EXPECT_EQ(chat.requests_unseen(), 0U);
}

TEST(SessionGaps, JoinedMidwayItWaitsForATurnAndItsConfirmation) {
  Chat chat(StatementText::Sanitized, 5000);
  chat.response("rest of something\r\n").request(call(0)).response(answer(0));
  EXPECT_THAT(chat.ended(), IsEmpty());
  chat.request(call(1)).response(answer(1));
  EXPECT_EQ(count_right(chat), 2U);
  EXPECT_THAT(chat.described().back(), Not(HasSubstr("db.namespace")));
  EXPECT_EQ(chat.requests_unseen(), 0U);
}

TEST(SessionGaps, JoinedBetweenTurnsItPairsTheFirst) {
  Chat chat;
  chat.gap(Side::Request, 0).gap(Side::Response, 0);
  chat.request(call(0)).response(answer(0)).request(call(1)).response(answer(1));
  chat.request(call(2) + call(3)).response(answer(2) + answer(3));
  EXPECT_EQ(count_right(chat), 4U);
}

TEST(SessionGaps, ALineWhoseReplyIsHiddenIsToldBeforeItsReply) {
  Chat chat;
  chat.request("PING\r\n").response("+PO").gap(Side::Response, 4).request(call(1));
  chat.response(answer(1));
  expect_all_end_once(chat);
}

TEST(SessionGaps, JoinedInsideATurnItPairsNoneOfIt) {
  Chat chat(StatementText::Sanitized, 5000);
  // Two more were sent before clew looked.
  chat.request(call(0)).response(answer(100) + answer(101) + answer(0));
  chat.request(call(1)).response(answer(1)).request(call(2)).response(answer(2));
  chat.request(call(3)).response(answer(3));
  EXPECT_EQ(count_right(chat), 3U);
  EXPECT_THAT(chat.ended(), Contains("0 GapLost FCALL"));
}

TEST(SessionGaps, AClientThatDoesNotTakeTurnsIsTrustedAgainAfterASecond) {
  Chat chat;
  chat.request(call(0)).request(call(1)).response(answer(0)).response(answer(1));
  chat.lost(Side::Request, 50);
  chat.request(call(2)).request(call(3)).response(answer(50) + answer(2)).response(answer(3));
  chat.request(call(4)).response(answer(4));
  EXPECT_EQ(count_right(chat), 2U);
  chat.pause(2 * kQuiet).request(call(5)).response(answer(5));
  chat.request(call(6)).request(call(7)).response(answer(6) + answer(7));
  EXPECT_EQ(count_right(chat), 5U);
  expect_all_end_once(chat);
}

TEST(SessionGaps, AHoleThatHidesACommandsNameIsALoss) {
  Chat chat;
  chat.request(call(0)).response(answer(0)).request("*1\r\n$1000\r\n").gap(Side::Request, 1002);
  chat.response("-ERR x\r\n").request(call(1)).response(answer(1)).request(call(2));
  chat.response(answer(2)).request(call(3)).response(answer(3));
  EXPECT_EQ(count_right(chat), 5U - 1 + 0U) << testing::PrintToString(chat.ended());
}

TEST(SessionGaps, SubscribersMessagesAreNoAnswersAfterALoss) {
  Chat chat;
  chat.ask({"SUBSCRIBE", "a"}).response("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
  chat.lost(Side::Response, 77);
  for (int i = 0; i < 3; ++i) {
    chat.response("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n");
    chat.ask({"PING"}).response("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n");
    chat.response("*2\r\n$4\r\npong\r\n$0\r\n\r\n");
  }
  chat.finish();
  EXPECT_THAT(chat.ended(), Contains("1 Complete PING"));
  EXPECT_THAT(chat.ended(), Contains("3 Complete PING"));
}

// A conversation whose records go missing at random. One record is one operation, or a piece.
struct Record {
  Side side;
  uint64_t moment;
  std::string bytes;
  bool operation_start;
  bool cut = false;  // only its beginning was copied
};

std::string random_answer(uint64_t number, std::mt19937& random) {
  const std::string name = letters(number);
  switch (random() % 4) {
    case 0:
      return fmt::format("$60\r\n{:>60}\r\n", "value");
    case 1:
      return "*3\r\n$1\r\na\r\n*2\r\n:1\r\n:2\r\n$5\r\nabcde\r\n";
    default:
      return answer(number);
  }
}

std::vector<Record> converse(std::mt19937& random, bool takes_turns, int turns) {
  std::vector<Record> records;
  uint64_t moment = 10, number = 0;
  std::string owed;    // answers to commands not answered yet: all come before it is quiet
  if (!takes_turns) {  // and is seen not to
    records.push_back({Side::Request, 1, call(90000), true});
    records.push_back({Side::Request, 2, call(90001), true});
    records.push_back({Side::Response, 3, answer(90000) + answer(90001), true});
  }
  for (int turn = 0; turn < turns; ++turn) {
    const size_t depth = random() % 4 == 0 ? 1 + random() % 12 : 1;
    std::string requests;
    for (size_t i = 0; i < depth; ++i, ++number) {
      requests += call(number);
      owed += random_answer(number, random);
    }
    const size_t cut = random() % 3 == 0 ? 1 + random() % (requests.size() - 1) : requests.size();
    records.push_back({Side::Request, moment, requests.substr(0, cut), true});
    if (cut < requests.size()) {
      records.push_back({Side::Request, moment, requests.substr(cut), false});
    }
    moment += 10;
    const bool is_last = turn + 1 == turns;
    if (!takes_turns && !is_last && random() % 3 == 0) continue;
    while (!owed.empty()) {
      const size_t size = random() % 4 == 0 ? 1 + random() % owed.size() : owed.size();
      records.push_back({Side::Response, moment, owed.substr(0, size), true});
      owed.erase(0, size);
      moment += 10;
      if (!takes_turns && !is_last && random() % 4 == 0) break;
    }
    if (owed.empty() && random() % 50 == 0) moment += 2 * kQuiet;
  }
  return records;
}

TEST(SessionGaps, RandomLossNeverMispairsAndIsRecoveredFrom) {
  for (unsigned seed = 0; seed < 1500; ++seed) {
    std::mt19937 random(seed);
    const bool takes_turns = seed % 3 != 0;
    const std::string context = fmt::format("seed {}", seed);
    std::vector<Record> records = converse(random, takes_turns, 60);
    const uint64_t last_moment = records.back().moment;
    // Records of two threads may come in the wrong order.
    for (size_t i = 1; seed % 2 == 0 && i < records.size(); ++i) {
      const bool swaps = records[i - 1].side != records[i].side && random() % 8 == 0;
      if (swaps) std::swap(records[i - 1], records[i]);
    }
    Chat chat;
    // Each side's missing bytes are told when its next record comes.
    uint64_t missing[2] = {0, 0};
    const auto one_in = 3 + random() % 30;
    for (const Record& record : records) {
      uint64_t& hidden = missing[record.side == Side::Request ? 0 : 1];
      if (record.moment >= 10 && random() % one_in == 0) {
        hidden += record.bytes.size();
        continue;
      }
      if (hidden > 0) chat.lost(record.side, std::exchange(hidden, 0));
      const size_t copied = record.moment >= 10 && random() % one_in == 0
                                ? random() % record.bytes.size() + 1
                                : record.bytes.size();
      chat.from(record.moment)
          .feed(record.side, std::string_view(record.bytes).substr(0, copied),
                record.operation_start);
      if (copied < record.bytes.size()) {
        chat.gap(record.side, record.bytes.size() - copied, record.moment);
      }
    }
    for (const Side side : {Side::Request, Side::Response}) {
      uint64_t& hidden = missing[side == Side::Request ? 0 : 1];
      if (hidden > 0) chat.lost(side, std::exchange(hidden, 0));
    }
    count_right(chat, context);
    if (testing::Test::HasFailure()) return;
    // It is quiet, twice since the hole may have been right before, and then all is seen.
    const size_t before = chat.described().size();
    uint64_t moment = last_moment + 2 * kQuiet;
    for (uint64_t number = 100000; number < 100020; ++number) {
      chat.from(moment).request(call(number));
      chat.from(moment + 10).response(answer(number));
      moment += number == 100000 ? 2 * kQuiet : 20;
    }
    chat.finish();
    size_t right = 0;
    for (size_t i = before; i < chat.described().size(); ++i) {
      right += Chat::value_of(chat.described()[i], "db.response.status_code") != "-" ? 1 : 0;
    }
    EXPECT_GE(right, 18U) << context;
    count_right(chat, context);
    expect_all_end_once(chat, context);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace clew::redis
