#include "core/session_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>
#include <thread>

#include "fanwire/event.h"

namespace fanwire {
namespace {

class SessionTableTest : public testing::Test {
 protected:
  SessionRecord& Record(SessionId id) { return *table_->At(id.index()); }
  SessionId AllocateOpen() {
    const SessionId id = table_->Allocate();
    EXPECT_TRUE(Record(id).Advance(id.generation, SessionState::kOpen));
    return id;
  }

  std::unique_ptr<SessionTable> table_ = std::make_unique<SessionTable>(5);
};

TEST_F(SessionTableTest, AnIdCarriesItsReactorAndIsNeverNobody) {
  const SessionId id = table_->Allocate();
  EXPECT_TRUE(id);
  EXPECT_EQ(id.reactor(), 5u);
  EXPECT_EQ(id.index(), 0u);
  EXPECT_EQ(SessionId::FromPacked(id.packed()), id);
  EXPECT_FALSE(SessionId());
}

TEST_F(SessionTableTest, AFreedSlotComesBackWithAnotherGeneration) {
  const SessionId first = AllocateOpen();
  table_->Free(first);
  const SessionId second = table_->Allocate();
  EXPECT_EQ(second.slot, first.slot);
  EXPECT_NE(second.generation, first.generation);
  EXPECT_EQ(Record(first).StateOf(first.generation), SessionState::kClosed);
  EXPECT_EQ(Record(second).StateOf(second.generation), SessionState::kConnecting);
}

TEST_F(SessionTableTest, ALateCallOnARecycledIdReachesNobody) {
  const SessionId first = AllocateOpen();
  table_->Free(first);
  const SessionId second = AllocateOpen();
  EXPECT_EQ(Record(first).TryAddBuffered(first.generation, 10), -1);
  EXPECT_FALSE(Record(first).Advance(first.generation, SessionState::kClosing));
  EXPECT_EQ(Record(first).BufferedOf(first.generation), 0u);
  EXPECT_EQ(Record(second).BufferedOf(second.generation), 0u);
  EXPECT_EQ(Record(second).StateOf(second.generation), SessionState::kOpen);
}

TEST_F(SessionTableTest, AFreedRecordForgetsEverything) {
  const SessionId first = AllocateOpen();
  SessionRecord& record = Record(first);
  record.TryAddBuffered(first.generation, 1'000);
  record.Charge(kCreditMessages, kCreditBytes);
  EXPECT_TRUE(record.StallUnlessCredit());
  EXPECT_TRUE(record.OweDrain(first.generation, 10));
  record.head = SharedBytes::Copy("GET /");
  record.user = SharedBytes::Copy("alice");
  table_->Free(first);
  const SessionId second = AllocateOpen();
  EXPECT_EQ(record.BufferedOf(second.generation), 0u);
  EXPECT_TRUE(record.HasCredit());
  EXPECT_FALSE(record.Settle(0, 0));
  EXPECT_FALSE(record.TakeDrain());
  EXPECT_FALSE(record.head);
  EXPECT_FALSE(record.user);
  EXPECT_TRUE(record.channels.empty());
}

TEST_F(SessionTableTest, AStateMovesOnAndNeverBack) {
  const SessionId id = table_->Allocate();
  SessionRecord& record = Record(id);
  EXPECT_TRUE(record.Advance(id.generation, SessionState::kOpen));
  EXPECT_FALSE(record.Advance(id.generation, SessionState::kOpen));
  EXPECT_TRUE(record.Advance(id.generation, SessionState::kClosed));
  EXPECT_FALSE(record.Advance(id.generation, SessionState::kClosing));
  EXPECT_EQ(record.StateOf(id.generation), SessionState::kClosed);
}

TEST_F(SessionTableTest, OnlyAnOpenSessionTakesBytes) {
  const SessionId id = table_->Allocate();
  SessionRecord& record = Record(id);
  EXPECT_EQ(record.TryAddBuffered(id.generation, 1), -1);
  record.Advance(id.generation, SessionState::kOpen);
  EXPECT_EQ(record.TryAddBuffered(id.generation, 10), 10);
  EXPECT_EQ(record.TryAddBuffered(id.generation, 5), 15);
  EXPECT_EQ(record.SubtractBuffered(6), 9u);
  EXPECT_EQ(record.BufferedOf(id.generation), 9u);
  record.Advance(id.generation, SessionState::kClosing);
  EXPECT_EQ(record.TryAddBuffered(id.generation, 1), -1);
  EXPECT_EQ(record.SubtractBuffered(9), 0u);
}

TEST_F(SessionTableTest, TheSumOfBytesNeverRunsIntoTheState) {
  const SessionId id = AllocateOpen();
  SessionRecord& record = Record(id);
  EXPECT_EQ(record.TryAddBuffered(id.generation, 640u << 20), 640 << 20);
  EXPECT_EQ(record.TryAddBuffered(id.generation, 1), SessionRecord::kTooMuch);
  EXPECT_EQ(record.TryAddBuffered(id.generation, UINT32_MAX), SessionRecord::kTooMuch);
  record.AddBuffered(256u << 20);  // the largest message, parked
  EXPECT_EQ(record.StateOf(id.generation), SessionState::kOpen);
  record.SubtractBuffered(896u << 20);
  EXPECT_EQ(record.StateOf(id.generation), SessionState::kOpen);
}

TEST_F(SessionTableTest, ManySlotsAreAllDifferentAndNeverMove) {
  std::set<uint32_t> slots;
  SessionRecord* first = nullptr;
  for (int i = 0; i < 5'000; i++) {
    const SessionId id = table_->Allocate();
    EXPECT_TRUE(slots.insert(id.slot).second);
    if (i == 0) first = &Record(id);
  }
  EXPECT_EQ(table_->At(0), first);
  EXPECT_EQ(table_->used_slots(), 5'000u);
}

TEST_F(SessionTableTest, AnIndexThatNeverWasIsNobody) {
  table_->Allocate();
  EXPECT_EQ(table_->At(SessionTable::kChunk), nullptr);
  EXPECT_EQ(table_->At(SessionId::kIndexMask), nullptr);
  EXPECT_NE(table_->At(1), nullptr);  // mapped with its chunk, not used
  EXPECT_EQ(table_->At(1)->StateOf(0), SessionState::kClosed);
}

TEST_F(SessionTableTest, CreditEndsWithMessagesOrWithBytes) {
  SessionRecord& record = Record(AllocateOpen());
  for (uint32_t i = 0; i < kCreditMessages; i++) {
    EXPECT_TRUE(record.HasCredit());
    record.Charge(1, 10);
  }
  EXPECT_FALSE(record.HasCredit());
  record.Settle(1, 10);
  EXPECT_TRUE(record.HasCredit());
  record.Charge(1, kCreditBytes);
  record.Settle(2, 20);
  EXPECT_FALSE(record.HasCredit());
  record.Settle(1, kCreditBytes);
  EXPECT_TRUE(record.HasCredit());
}

TEST_F(SessionTableTest, OneThatIsStalledIsWokenOnce) {
  SessionRecord& record = Record(AllocateOpen());
  record.Charge(kCreditMessages, 0);
  EXPECT_TRUE(record.StallUnlessCredit());
  EXPECT_TRUE(record.Settle(1, 0));
  EXPECT_FALSE(record.Settle(1, 0));
  EXPECT_FALSE(record.StallUnlessCredit());
}

// The reactor stops for want of credit while the application gives it back: whoever stops is told.
TEST_F(SessionTableTest, NoWakeUpIsLostBetweenStallAndSettle) {
  SessionRecord& record = Record(AllocateOpen());
  constexpr int kMessages = 100'000;
  std::atomic<int> handed{0}, settled{0};
  std::atomic<bool> wake{false}, lost{false};
  std::thread application([&] {
    for (int done = 0; done < kMessages && !lost;) {
      if (handed.load() == done) {
        std::this_thread::yield();
        continue;
      }
      if (record.Settle(1, 100)) wake.store(true);
      settled.store(++done);
    }
  });
  for (int sent = 0; sent < kMessages && !lost; sent++) {
    while (!record.HasCredit() && record.StallUnlessCredit()) {
      for (;;) {
        const bool all_settled = settled.load() == sent;
        if (wake.exchange(false)) break;
        if (all_settled) {  // nobody is left who could wake us
          lost = true;
          break;
        }
        std::this_thread::yield();
      }
      if (lost) break;
    }
    record.Charge(1, 100);
    handed.store(sent + 1);
  }
  application.join();
  EXPECT_FALSE(lost);
}

// send() answers "over the mark" while the reactor empties the outbox: whoever got that answer is
// told of the drain.
TEST_F(SessionTableTest, NoDrainIsLostBetweenSendAndSent) {
  const SessionId id = AllocateOpen();
  SessionRecord& record = Record(id);
  constexpr int kRounds = 50'000;
  constexpr uint32_t kMark = 150, kBytes = 100;
  std::atomic<int> posted{0}, taken{0}, drains{0};
  std::atomic<bool> lost{false};
  std::thread reactor([&] {
    for (int done = 0; done < 2 * kRounds && !lost;) {
      if (posted.load() == done) {
        std::this_thread::yield();
        continue;
      }
      if (record.SubtractBuffered(kBytes) <= kMark / 2 && record.TakeDrain()) drains++;
      taken.store(++done);
    }
  });
  int owed = 0;
  for (int round = 0; round < kRounds && !lost; round++) {
    for (int i = 0; i < 2 && !lost; i++) {
      const int64_t buffered = record.TryAddBuffered(id.generation, kBytes);
      posted++;
      if (buffered <= kMark || !record.OweDrain(id.generation, kMark / 2)) continue;
      owed++;
      while (drains.load() < owed) {
        if (taken.load() == posted.load() && drains.load() < owed) {
          lost = true;
          break;
        }
        std::this_thread::yield();
      }
    }
  }
  reactor.join();
  EXPECT_FALSE(lost);
  EXPECT_EQ(drains, owed);
}

TEST_F(SessionTableTest, ManyPostersAndAReactorKeepTheSum) {
  const SessionId id = AllocateOpen();
  SessionRecord& record = Record(id);
  std::atomic<uint64_t> to_take{0};
  std::atomic<int> running{3};
  std::vector<std::thread> posters;
  for (int p = 0; p < 3; p++) {
    posters.emplace_back([&] {
      for (int i = 0; i < 20'000; i++) {
        if (record.TryAddBuffered(id.generation, 7) >= 0) to_take += 7;
      }
      running--;
    });
  }
  uint64_t taken = 0;
  while (running > 0 || taken < to_take) {
    if (taken == to_take) {
      std::this_thread::yield();
      continue;
    }
    record.SubtractBuffered(7);
    taken += 7;
  }
  for (std::thread& poster : posters) poster.join();
  EXPECT_EQ(record.BufferedOf(id.generation), 0u);
  EXPECT_EQ(record.StateOf(id.generation), SessionState::kOpen);
}

}  // namespace
}  // namespace fanwire
