// Records are read from memory that another program fills: nothing in them is trusted.
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "tests/unit/pipeline/pipeline_fixture.h"

namespace clew {
namespace {

class BadRecordsTest : public PipelineTest {
 protected:
  uint64_t bad() const { return count(Counter::bad_records); }
  /// The record's fixed part changed by `change`.
  template <typename Fixed>
  static Record changed(Record record, void (*change)(Fixed&)) {
    Fixed fixed;
    std::memcpy(&fixed, record.data(), sizeof(fixed));
    change(fixed);
    std::memcpy(record.data(), &fixed, sizeof(fixed));
    return record;
  }

  Wire wire{1, kCurl, kShop, 40000, 8080};
};

TEST_F(BadRecordsTest, TruncatedRecordsOfEveryLength) {
  const Record records[] = {
      wire.server.connection(now()),
      wire.server.received(get("/cart"), begins(1)),
      wire.server.closing(CLEW_CLOSING_CLOSED, now()),
      process_record(CLEW_PROCESS_FORK, 20'000'001, kShop, now()),
  };
  uint64_t fed = 0;
  for (const auto& record : records) {
    for (size_t length = 0; length < record.size(); ++length) {
      // Storage of exactly that length, so that reading past it is seen.
      feed(Record(record.begin(), record.begin() + static_cast<ptrdiff_t>(length)));
      ++fed;
    }
  }
  EXPECT_EQ(bad(), fed) << "each is counted";
  EXPECT_EQ(count(Counter::segments), 0u);
  finish();
  EXPECT_TRUE(log.spans.empty());
}

TEST_F(BadRecordsTest, UnknownKinds) {
  for (int kind = 0; kind < 256; ++kind) {
    if (kind >= CLEW_RECORD_SEGMENT && kind <= CLEW_RECORD_CONNECT_FAILED) continue;
    Record record(512);
    record[0] = static_cast<uint8_t>(kind);
    feed(record);
  }
  EXPECT_EQ(bad(), 251u);
}

TEST_F(BadRecordsTest, UnknownProcessEvents) {
  auto record = process_record(CLEW_PROCESS_FORK, 20'000'001, kShop, now());
  record[1] = 77;
  feed(record);
  EXPECT_EQ(bad(), 1u);
}

TEST_F(BadRecordsTest, UnknownRoles) {
  for (int role = 0; role < 256; ++role) {
    auto record = wire.server.connection(now());
    record[1] = static_cast<uint8_t>(role);
    feed(record);
    feed(wire.server.received(get("/cart"), at()));
  }
  EXPECT_EQ(bad(), 253u) << "all but unknown, client and server";
  finish();
}

TEST_F(BadRecordsTest, PayloadsThatAreNotThere) {
  feed(changed<clew_segment>(wire.server.received("abc", at()),
                             [](clew_segment& segment) { segment.length = 4; }));
  feed(changed<clew_segment>(wire.server.received("abc", at()),
                             [](clew_segment& segment) { segment.length = ~0u; }));
  feed(changed<clew_segment>(wire.server.received("abc", at()),
                             [](clew_segment& segment) { segment.result = 2; }));
  feed(changed<clew_segment>(wire.server.received("abc", at()), [](clew_segment& segment) {
    segment.record.flags |= CLEW_SEGMENT_MESSAGE_START;
  }));
  EXPECT_EQ(bad(), 4u);
  EXPECT_EQ(pipeline.connections(), 0u);
}

TEST_F(BadRecordsTest, ErrorsAreNoBytes) {
  feed(wire.server.connection(now()));
  feed(wire.server.received(get("/cart"), begins(1)));
  for (const int32_t result : {-104, -1, -4096, std::numeric_limits<int32_t>::min()}) {
    clew_segment record{};
    record.record.kind = CLEW_RECORD_SEGMENT;
    record.cookie = wire.server.cookie();
    record.result = result;
    feed(make_record(record));
  }
  feed(wire.server.sent(ok(), at()));
  finish();
  EXPECT_EQ(bad(), 2u);  // the last two are no errno
  EXPECT_EQ(server("/cart").attribute("http.response.status_code"), "200");
}

TEST_F(BadRecordsTest, TheEndOfAConnectionNobodyKnows) {
  feed(wire.server.end_of_stream(now()));
  feed(wire.server.closing(CLEW_CLOSING_SENT_FIN, now()));
  feed(wire.server.closing(CLEW_CLOSING_CLOSED, now()));
  EXPECT_EQ(pipeline.connections(), 0u);
}

TEST_F(BadRecordsTest, OffsetsAtTheEndOfNumbers) {
  feed(wire.server.connection(now(), false));
  for (const uint64_t offset : {~0ull, ~0ull - 10, 1ull << 63, 0ull, ~0ull - 3}) {
    Record record = wire.server.received(get("/cart"), begins(1));
    std::memcpy(record.data() + offsetof(clew_segment, offset), &offset, sizeof(offset));
    feed(record);
    pipeline.tick(time_ns += 100 * kMillisecond);
  }
  finish();
}

TEST_F(BadRecordsTest, GarbageNeverStopsIt) {
  std::mt19937 random(4711);
  const auto valid = [&](uint_fast32_t choice) {
    switch (choice % 4) {
      case 0:
        return wire.server.connection(now());
      case 1:
        return wire.server.received(get("/x"), begins(random()));
      case 2:
        return wire.server.sent(ok(), at());
      default:
        return wire.server.closing(CLEW_CLOSING_CLOSED, now());
    }
  };
  for (int i = 0; i < 20'000; ++i) {
    Record record = valid(random());
    // Not the ids of processes: each would be looked for in /proc.
    for (auto flips = random() % 4; flips > 0; --flips) {
      const size_t at = random() % record.size();
      if (at < 4 || at >= 8) record[at] = static_cast<uint8_t>(random());
    }
    feed(record);
    if (i % 100 == 0) pipeline.tick(now());
  }
  finish();
  EXPECT_EQ(pipeline.connections(), 0u);
  EXPECT_EQ(count(Counter::spans), log.spans.size());
}

}  // namespace
}  // namespace clew
