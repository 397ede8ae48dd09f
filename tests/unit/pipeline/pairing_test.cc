// Connections of several kinds with records dropped at random: no span may show another exchange's
// answer, and what happened is spans, and what was counted, and what lost records held.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <deque>
#include <ostream>
#include <random>
#include <set>

#include "tests/unit/pipeline/pipeline_fixture.h"

namespace clew {
namespace {

enum class Client : uint8_t {
  Turns,    // one request after another's answer
  Batches,  // several requests in one operation, the next when all are answered
  Window,   // each in an operation of its own, a few under way at any time
};

struct World {
  friend void PrintTo(const World& world, std::ostream* to) { *to << world.per_mille << " lost"; }

  Client client;
  uint32_t per_mille;  // of records that are lost
  int exchanges;
  double least;  // share of the exchanges told that must have their status
};

class PairingTest : public PipelineTest, public ::testing::WithParamInterface<World> {
 protected:
  struct Made {
    Record record;
    uint64_t arrives;
  };

  static constexpr int kConnections = 60;

  static int status_of(int exchange) { return 400 + exchange % 500; }
  /// Operations of one connection's server or client end, in order of cause. A send's record is
  /// sometimes late: the answer's may come before it.
  class Run {
   public:
    Run(PairingTest& test, uint32_t seed, bool serves)
        : test_(test),
          random_(seed),
          seed_(seed),
          wire_(1 + 2 * seed, kCurl, kShop, static_cast<uint16_t>(40000 + seed), 8080),
          serves_(serves) {}

    void make() {
      const World& world = GetParam();
      test_.feed(end().connection(test_.now()));
      int asked = 0, answered = 0;
      while (answered < world.exchanges) {
        const int under_way = asked - answered;
        bool asks = under_way == 0;
        int count = 1;
        if (world.client == Client::Batches && asks) count = 1 + below(5);
        if (world.client == Client::Window) asks = under_way < 2 + below(3);
        if (asks) {
          ask(asked, count);
          asked += count;
        } else {
          answer(answered++);
        }
        if (below(200) == 0) settle();
      }
      settle();
      test_.feed(end().end_of_stream(test_.now()));
      test_.feed(end().closing(CLEW_CLOSING_SENT_FIN, test_.now()));
      test_.feed(end().closing(CLEW_CLOSING_CLOSED, test_.now()));
    }

    uint64_t requests = 0;
    uint64_t lost_requests = 0;  // whose records were lost

   private:
    int below(int bound) { return static_cast<int>(random_() % static_cast<uint32_t>(bound)); }
    SocketEnd& end() { return serves_ ? wire_.server : wire_.client; }

    void ask(int first, int count) {
      std::string bytes;
      requests += static_cast<uint64_t>(count);
      for (int i = first; i < first + count; ++i) {
        const std::string_view method = i % 7 == 3 ? "HEAD" : "GET";
        bytes += fmt::format("{} /{}/{} HTTP/1.1\r\nHost: shop\r\n\r\n", method, seed_, i);
      }
      if (operation(bytes, serves_, first)) return;
      lost_requests += static_cast<uint64_t>(count);
    }
    void answer(int number) {
      const std::string head = fmt::format("HTTP/1.1 {} X\r\n", status_of(number));
      if (number % 5 == 1) {
        // Several operations; of the middle not all is copied.
        operation(head + "Transfer-Encoding: chunked\r\n\r\n", !serves_, number);
        if (number % 7 == 3) return;
        operation("1f4\r\n" + std::string(40, 'x'), !serves_, number, 460);
        operation("\r\n0\r\n\r\n", !serves_, number);
      } else {
        operation(head + "Content-Length: 2\r\n\r\n" + (number % 7 == 3 ? "" : "ok"), !serves_,
                  number);
      }
    }
    /// False: its record was lost.
    bool operation(const std::string& bytes, bool received, int number, uint32_t uncopied = 0) {
      const uint64_t moment = test_.time_ns += 10'000 + static_cast<uint64_t>(below(100'000));
      Operation made{.time_ns = moment, .uncopied = uncopied};
      if (!received) made.begin_delta_ns = static_cast<uint32_t>(below(20)) * 1000;
      made.time_ns += made.begin_delta_ns;
      const Record record = received ? end().received(bytes, made) : end().sent(bytes, made);
      // Manners can be told by what is seen of them only.
      const bool spared = GetParam().client == Client::Window && number < 8;
      const bool lost = !spared && below(1000) < static_cast<int>(GetParam().per_mille);
      if (!lost) {
        if (!received && below(20) == 0 && late_.empty()) {
          late_.push_back(record);
          return true;
        }
        test_.feed(record);
      }
      if (!late_.empty()) {
        test_.feed(late_.front());
        late_.pop_front();
      }
      return !lost;
    }
    void settle() {
      for (const Record& record : late_) test_.feed(record);
      late_.clear();
      test_.pipeline.tick(test_.time_ns += 100 * kMillisecond);
    }

    PairingTest& test_;
    std::mt19937 random_;
    uint32_t seed_;
    Wire wire_;
    bool serves_;
    std::deque<Record> late_;
  };
};

TEST_P(PairingTest, NoSpanShowsAnothersAnswerAndEachIsCounted) {
  const World& world = GetParam();
  uint64_t happened = 0, lost = 0, answered = 0;
  for (uint32_t seed = 0; seed < kConnections; ++seed) {
    Run run(*this, seed, seed % 2 == 0);
    run.make();
    happened += run.requests;
    lost += run.lost_requests;
  }
  finish();
  std::set<std::string> told;
  for (const auto& span : log.spans) {
    const std::string target = span.kind == SpanKind::Server
                                   ? span.attribute("url.path")
                                   : span.attribute("url.full").substr(11);
    EXPECT_TRUE(told.insert(target).second) << "told twice: " << target;
    const auto status = span.attribute("http.response.status_code");
    if (status.empty()) continue;
    ++answered;
    const int number = std::stoi(target.substr(target.rfind('/') + 1));
    EXPECT_EQ(status, std::to_string(status_of(number))) << target;
  }
  EXPECT_EQ(told.size() + lost, happened) << "each exchange is a span or its request was lost";
  EXPECT_EQ(told.size(), count(Counter::spans));
  EXPECT_LE(count(Counter::requests_unseen), lost);
  EXPECT_EQ(count(Counter::segments_departed), 0U);
  EXPECT_GE(static_cast<double>(answered), world.least * static_cast<double>(told.size()));
}

std::string world_name(const ::testing::TestParamInfo<World>& row) {
  constexpr std::string_view kNames[] = {"Turns", "Batches", "Window"};
  return fmt::format("{}{}", kNames[static_cast<size_t>(row.param.client)], row.param.per_mille);
}

INSTANTIATE_TEST_SUITE_P(
    Worlds, PairingTest,
    ::testing::Values(World{Client::Turns, 0, 100, 1}, World{Client::Turns, 10, 200, 0.97},
                      World{Client::Turns, 80, 200, 0.83}, World{Client::Turns, 300, 200, 0.45},
                      World{Client::Batches, 0, 100, 0.98}, World{Client::Batches, 10, 200, 0.93},
                      World{Client::Batches, 80, 200, 0.65}, World{Client::Batches, 300, 200, 0.22},
                      World{Client::Window, 0, 100, 0.97}, World{Client::Window, 10, 200, 0},
                      World{Client::Window, 80, 200, 0}, World{Client::Window, 300, 200, 0}),
    world_name);

}  // namespace
}  // namespace clew
