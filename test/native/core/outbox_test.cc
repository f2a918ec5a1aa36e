#include "core/outbox.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace fanwire {
namespace {

constexpr size_t kMaxWrite = 64 * 1024, kBig = 16 * 1024;

class OutboxTest : public testing::Test {
 protected:
  void Push(std::string_view text, std::string_view key = "", bool started = false) {
    outbox_.Push(SharedBytes::Copy(text), 0, uint32_t(text.size()),
                 key.empty() ? SharedBytes{} : SharedBytes::Copy(key), started);
  }
  Outbox::Dropped DropKey(std::string_view key) { return outbox_.DropKey(SharedBytes::Copy(key)); }
  std::string Next() { return std::string(outbox_.Next(cork_, kMaxWrite, kBig)); }
  std::string TakeAll(size_t step = kMaxWrite) {
    std::string all;
    while (!outbox_.empty()) {
      const std::string next = Next().substr(0, step);
      all += next;
      outbox_.Consume(next.size());
    }
    return all;
  }

  Outbox outbox_;
  ByteBuffer cork_;
};

TEST_F(OutboxTest, GivesBytesBackInOrder) {
  EXPECT_TRUE(outbox_.empty());
  Push("one ");
  Push("two ");
  Push("three");
  EXPECT_EQ(outbox_.bytes(), 13u);
  EXPECT_EQ(Next(), "one two three");
  EXPECT_EQ(TakeAll(), "one two three");
  EXPECT_TRUE(outbox_.empty());
  EXPECT_EQ(outbox_.bytes(), 0u);
  Push("again");
  EXPECT_EQ(TakeAll(), "again");
}

TEST_F(OutboxTest, TakesPartsOfBytes) {
  outbox_.Push(SharedBytes::Copy("skip this keep"), 5, 9, {}, false);
  outbox_.Push(SharedBytes::Copy("skip this keep"), 10, 14, {}, false);
  EXPECT_EQ(TakeAll(), "thiskeep");
}

TEST_F(OutboxTest, AnyStepGivesTheSameBytes) {
  std::string expected;
  for (size_t step = 1; step < 40; step++) {
    expected.clear();
    for (int i = 0; i < 200; i++) {
      const std::string piece(size_t(i % 13 + 1), char('a' + i % 26));
      Push(piece);
      expected += piece;
    }
    EXPECT_EQ(TakeAll(step), expected) << step;
  }
}

TEST_F(OutboxTest, KnowsWhenTheKernelIsInTheMiddleOfAnEntry) {
  Push("abcd");
  Push("efgh");
  EXPECT_FALSE(outbox_.mid_frame());
  outbox_.Consume(1);
  EXPECT_TRUE(outbox_.mid_frame());
  outbox_.Consume(3);
  EXPECT_FALSE(outbox_.mid_frame());
  outbox_.Consume(4);
  EXPECT_FALSE(outbox_.mid_frame());
}

TEST_F(OutboxTest, ABigPieceIsWrittenInPlaceAndAlone) {
  const std::string big(kBig, 'b'), huge(3 * kMaxWrite, 'h');
  Push("small");
  Push(big);
  Push("small");
  Push(huge);
  EXPECT_EQ(Next(), "small");
  outbox_.Consume(5);
  const std::string_view next = outbox_.Next(cork_, kMaxWrite, kBig);
  EXPECT_EQ(next, big);
  EXPECT_NE(reinterpret_cast<const uint8_t*>(next.data()), cork_.data());
  EXPECT_EQ(TakeAll(), big + "small" + huge);
}

TEST_F(OutboxTest, AWriteIsAtMostItsMaximum) {
  for (int i = 0; i < 20; i++) Push(std::string(kBig - 1, char('a' + i)));
  while (!outbox_.empty()) {
    const std::string next = Next();
    EXPECT_GT(next.size(), 0u);
    EXPECT_LE(next.size(), kMaxWrite);
    outbox_.Consume(next.size());
  }
}

TEST_F(OutboxTest, DropsTheOldestUntilThereIsRoom) {
  Push("11111");
  Push("22222");
  Push("33333");
  const Outbox::Dropped dropped = outbox_.DropOldest(4, 15);
  EXPECT_EQ(dropped.entries, 1u);
  EXPECT_EQ(dropped.bytes, 5u);
  EXPECT_EQ(TakeAll(), "2222233333");
}

TEST_F(OutboxTest, DropsNothingWhenThereIsRoom) {
  Push("11111");
  EXPECT_EQ(outbox_.DropOldest(10, 15).entries, 0u);
  EXPECT_EQ(outbox_.bytes(), 5u);
}

TEST_F(OutboxTest, NeverDropsAStartedEntry) {
  Push("started", "key", true);
  Push("half", "other");
  Push("rest");
  EXPECT_EQ(DropKey("key").entries, 0u);
  const Outbox::Dropped dropped = outbox_.DropOldest(100, 10);
  EXPECT_EQ(dropped.entries, 2u);
  EXPECT_EQ(TakeAll(), "started");
}

TEST_F(OutboxTest, AnEntryIsStartedByItsFirstByte) {
  Push("abcdef", "key");
  Push("last");
  outbox_.Consume(1);
  EXPECT_EQ(DropKey("key").entries, 0u);
  EXPECT_EQ(outbox_.DropOldest(100, 10).entries, 1u);
  EXPECT_EQ(TakeAll(), "bcdef");
}

TEST_F(OutboxTest, DropsTheWaitingEntryOfAKey) {
  Push("a1", "a");
  Push("b1", "b");
  const Outbox::Dropped dropped = DropKey("a");
  EXPECT_EQ(dropped.entries, 1u);
  EXPECT_EQ(dropped.bytes, 2u);
  EXPECT_EQ(DropKey("a").entries, 0u);
  EXPECT_EQ(DropKey("c").entries, 0u);
  Push("a2", "a");
  EXPECT_EQ(TakeAll(), "b1a2");
  EXPECT_EQ(DropKey("a").entries, 0u);
}

TEST_F(OutboxTest, AStartedEntryOfAKeyLeavesTheNextOneToBeDropped) {
  Push("a1", "a");
  outbox_.Consume(1);
  EXPECT_EQ(DropKey("a").entries, 0u);
  Push("a2", "a");
  EXPECT_EQ(DropKey("a").entries, 1u);
  Push("a3", "a");
  outbox_.Consume(1);  // the end of a1 takes only its own key
  EXPECT_EQ(DropKey("a").entries, 1u);
  EXPECT_TRUE(outbox_.empty());
}

TEST_F(OutboxTest, AnOldEntryOfAKeyGoesWithoutTheNewOne) {
  Push("old", "a");
  Push("new", "a");
  EXPECT_EQ(outbox_.DropOldest(1, 6).entries, 1u);  // the old one
  EXPECT_EQ(DropKey("a").entries, 1u);              // the new one is still known
  EXPECT_TRUE(outbox_.empty());
}

TEST_F(OutboxTest, AControlFrameGoesBeforeEverythingAndIsNeverDropped) {
  Push("data", "a");
  outbox_.PushFront(SharedBytes::Copy("..pong"), 2, 6);
  EXPECT_TRUE(outbox_.mid_frame());
  EXPECT_EQ(outbox_.DropOldest(100, 10).entries, 1u);
  EXPECT_EQ(TakeAll(), "pong");
}

TEST_F(OutboxTest, KeysSurvivePushFront) {
  Push("a1", "a");
  Push("b1", "b");
  outbox_.PushFront(SharedBytes::Copy("p"), 0, 1);
  EXPECT_EQ(DropKey("b").bytes, 2u);
  EXPECT_EQ(TakeAll(), "pa1");
  Push("a2", "a");
  Push("b2", "b");
  outbox_.PushFront(SharedBytes::Copy("q"), 0, 1);  // into a place that has become free
  EXPECT_EQ(DropKey("a").bytes, 2u);
  EXPECT_EQ(TakeAll(), "qb2");
}

// Against a plain list, with everything at random.
TEST_F(OutboxTest, AgreesWithAPlainList) {
  struct Plain {
    std::string text, key;
    bool started;
  };
  std::mt19937 random(3);
  for (int run = 0; run < 30; run++) {
    std::vector<Plain> plain;
    Outbox outbox;
    for (int step = 0; step < 2'000; step++) {
      const uint32_t what = random() % 10;
      if (what < 5) {  // keep-latest
        const std::string text(random() % 20 + 1, char('a' + step % 26));
        const std::string key = random() % 2 == 0 ? "" : "k" + std::to_string(random() % 5);
        if (!key.empty()) {
          const SharedBytes shared = SharedBytes::Copy(key);
          const size_t dropped = outbox.DropKey(shared).entries;
          const auto found = std::find_if(plain.rbegin(), plain.rend(),
                                          [&](const Plain& p) { return p.key == key; });
          const bool drops = found != plain.rend() && !found->started;
          ASSERT_EQ(dropped, drops ? 1u : 0u);
          if (drops) plain.erase(std::next(found).base());
          outbox.Push(SharedBytes::Copy(text), 0, uint32_t(text.size()), shared, false);
        } else {
          outbox.Push(SharedBytes::Copy(text), 0, uint32_t(text.size()), {}, false);
        }
        plain.push_back({text, key, false});
      } else if (what < 8 && !plain.empty()) {
        const std::string next(outbox.Next(cork_, 64, 16));
        size_t n = random() % (next.size() + 1);
        std::string expected;
        for (const Plain& p : plain) expected += p.text;
        ASSERT_EQ(next, expected.substr(0, next.size()));
        if (n == 0) continue;
        outbox.Consume(n);
        while (n > 0) {
          if (n < plain[0].text.size()) {
            plain[0].text.erase(0, n);
            plain[0].started = true;
            break;
          }
          n -= plain[0].text.size();
          plain.erase(plain.begin());
        }
      } else if (what == 8) {
        const size_t limit = random() % 200;
        outbox.DropOldest(10, limit);
        const auto size = [&] {
          size_t sum = 0;
          for (const Plain& p : plain) sum += p.text.size();
          return sum;
        };
        for (auto p = plain.begin(); p != plain.end() && size() + 10 > limit;)
          p = p->started ? p + 1 : plain.erase(p);
      } else if (!outbox.mid_frame()) {
        outbox.PushFront(SharedBytes::Copy("PONG"), 0, 4);
        plain.insert(plain.begin(), {"PONG", "", true});
      }
      size_t sum = 0;
      for (const Plain& p : plain) sum += p.text.size();
      ASSERT_EQ(outbox.bytes(), sum);
      ASSERT_EQ(outbox.empty(), plain.empty());
      ASSERT_EQ(outbox.mid_frame(), !plain.empty() && plain[0].started);
    }
  }
}

}  // namespace
}  // namespace fanwire
