#include "base/mailbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

namespace fanwire {
namespace {

struct Letter {
  int producer = 0, number = 0;
};

// What a Mailbox asks of a batch; every letter costs 10.
struct Letters {
  std::vector<Letter> letters;
  bool empty() const { return letters.empty(); }
  uint64_t cost() const { return letters.size() * 10; }
  void Append(Letters& o) {
    letters.insert(letters.end(), o.letters.begin(), o.letters.end());
    o.letters.clear();
  }
  void Add(Letter letter) { letters.push_back(letter); }
};
using Box = Mailbox<Letters>;

TEST(MailboxTest, TakesABatchBySwappingAndAppendsTheNext) {
  Box box(1'000);
  Letters batch;
  batch.Add({1, 1});
  box.Post(batch);
  EXPECT_TRUE(batch.empty());
  EXPECT_TRUE(box.has_mail());
  batch.Add({1, 2});
  box.Post(batch);
  EXPECT_TRUE(batch.empty());
  box.PostWith(10, [](Letters& letters) { letters.Add({1, 3}); });
  Letters taken;
  box.Take(taken);
  EXPECT_FALSE(box.has_mail());
  ASSERT_EQ(taken.letters.size(), 3u);
  for (int i = 0; i < 3; i++) EXPECT_EQ(taken.letters[size_t(i)].number, i + 1);
}

TEST(MailboxTest, IsFullAtItsCostAndEmptyAgainWhenTaken) {
  Box box(100);
  EXPECT_FALSE(box.Refuses(100));
  box.PostWith(60, [](Letters& letters) { letters.Add({}); });
  EXPECT_FALSE(box.Refuses(40));
  EXPECT_TRUE(box.Refuses(41));
  Letters taken;
  box.Take(taken);
  EXPECT_TRUE(box.TakeRefused());
  EXPECT_FALSE(box.TakeRefused());
  EXPECT_FALSE(box.Refuses(41));
}

TEST(MailboxTest, NobodyIsToldOfRoomWhenNobodyWasRefused) {
  Box box(100);
  box.PostWith(60, [](Letters& letters) { letters.Add({}); });
  EXPECT_FALSE(box.Refuses(40));
  Letters taken;
  box.Take(taken);
  EXPECT_FALSE(box.TakeRefused());
}

// Or a message above the limit could never be sent, and its refusal would never end.
TEST(MailboxTest, AnEmptyOneRefusesNothing) {
  Box box(100);
  EXPECT_FALSE(box.Refuses(101));
  box.PostWith(1, [](Letters& letters) { letters.Add({}); });
  EXPECT_TRUE(box.Refuses(101));
}

TEST(MailboxTest, KeepsTheOrderOfEachProducerAndLosesNothing) {
  constexpr int kProducers = 4, kEach = 20'000;
  Box box(UINT64_MAX);
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; p++) {
    producers.emplace_back([&box, p] {
      Letters batch;
      for (int i = 0; i < kEach; i++) {
        if (i % 3 == 0) {  // single posts come after the batch that was begun before
          if (!batch.empty()) box.Post(batch);
          box.PostWith(10, [&](Letters& letters) { letters.Add({p, i}); });
        } else {
          batch.Add({p, i});
          if (i % 7 == 0) box.Post(batch);
        }
      }
      if (!batch.empty()) box.Post(batch);
    });
  }
  int next[kProducers] = {};
  int taken_count = 0;
  while (taken_count < kProducers * kEach) {
    if (!box.has_mail()) {
      std::this_thread::yield();
      continue;
    }
    Letters taken;
    box.Take(taken);
    for (const Letter& letter : taken.letters) {
      ASSERT_EQ(letter.number, next[letter.producer]++);
      taken_count++;
    }
  }
  for (std::thread& producer : producers) producer.join();
  EXPECT_FALSE(box.has_mail());
}

// Who is refused waits for the owner's word. Another producer that asks at the same time and finds
// room again must not take it away.
TEST(MailboxTest, WhoIsRefusedIsAlwaysTold) {
  constexpr int kRounds = 50'000;
  Box box(10);
  std::atomic<int> begun{0}, ended{0};
  std::thread other([&] {
    for (int round = 1; round <= kRounds; round++) {
      while (begun.load() < round) std::this_thread::yield();
      for (int spin = round % 64; spin > 0; spin--) static_cast<void>(begun.load());
      static_cast<void>(box.Refuses(10));
      ended.store(round);
    }
  });
  int never_told = 0;
  for (int round = 1; round <= kRounds; round++) {
    box.PostWith(10, [](Letters& letters) { letters.Add({}); });
    begun.store(round);
    const bool refused = box.Refuses(10);
    Letters taken;
    box.Take(taken);
    bool told = box.TakeRefused();
    while (ended.load() < round) std::this_thread::yield();
    if (box.TakeRefused()) told = true;
    if (refused && !told) never_told++;
  }
  other.join();
  EXPECT_EQ(never_told, 0);
}

// The whole dance: two that wait for the word, one that asks again and again, an owner that empties
// the box.
TEST(MailboxTest, ProducersThatWaitForTheWordAllFinish) {
  constexpr int kEach = 10'000;
  Box box(50);
  std::atomic<uint64_t> told{0};
  std::atomic<int> running{3};
  const auto produce = [&](int producer, bool waits) {
    for (int i = 0; i < kEach; i++) {
      for (uint64_t seen = told.load(); box.Refuses(10); seen = told.load()) {
        while (waits && told.load() == seen) std::this_thread::yield();
      }
      box.PostWith(10, [&](Letters& letters) { letters.Add({producer, i}); });
    }
    running--;
  };
  std::vector<std::thread> producers;
  for (int p = 0; p < 3; p++) producers.emplace_back(produce, p, p < 2);
  size_t count = 0;
  while (running > 0 || box.has_mail()) {
    Letters taken;
    box.Take(taken);
    count += taken.letters.size();
    if (box.TakeRefused()) told++;
    std::this_thread::yield();
  }
  for (std::thread& producer : producers) producer.join();
  EXPECT_EQ(count, size_t{3} * kEach);
}

}  // namespace
}  // namespace fanwire
