// A queue whose elements leave in about the order in which they came, compared with a plain deque.
#include "agent/base/front_queue.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>

namespace clew {
namespace {

TEST(FrontQueue, HoldsWhatADequeHolds) {
  std::mt19937 random(1);
  FrontQueue<std::unique_ptr<int>> queue;
  std::deque<int> model;
  int next = 0;
  for (int step = 0; step < 20'000; ++step) {
    // Grows for a while, then shrinks to nothing.
    const bool grows = (step / 500) % 2 == 0;
    if (model.empty() || random() % 3 < (grows ? 2 : 1)) {
      queue.emplace_back(std::make_unique<int>(next));
      model.push_back(next++);
    } else {
      const size_t at = random() % 4 ? 0 : random() % model.size();
      EXPECT_EQ(*queue.take(queue.begin() + static_cast<ptrdiff_t>(at)), model[at]);
      model.erase(model.begin() + static_cast<ptrdiff_t>(at));
    }
    if (random() % 100 == 0) {
      const size_t count = random() % (model.size() + 1);
      queue.drop_front(count);
      model.erase(model.begin(), model.begin() + static_cast<ptrdiff_t>(count));
    }
    ASSERT_EQ(queue.size(), model.size());
    ASSERT_EQ(queue.empty(), model.empty());
    if (!model.empty()) {
      ASSERT_EQ(*queue.front(), model.front());
      ASSERT_EQ(*queue.back(), model.back());
    }
  }
}

}  // namespace
}  // namespace clew
