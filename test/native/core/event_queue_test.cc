#include "core/event_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace fanwire {
namespace {

struct Record {
  SessionId id;
  uint32_t kind, aux, endpoint;
  std::string payload;
};

std::vector<Record> ReadRange(const SlabRange& range) {
  std::vector<Record> records;
  for (uint32_t at = range.from; at < range.to;) {
    uint32_t word[4];
    memcpy(word, range.slab->data + at, sizeof word);
    const char* payload = reinterpret_cast<const char*>(range.slab->data + at + kRecordHeader);
    records.push_back({{word[0], word[1]},
                       word[2] & 0xFF,
                       word[2] >> 8 & 0xFF,
                       word[2] >> 16,
                       {payload, word[3]}});
    EXPECT_EQ(at % 8, 0u);
    at += RecordSize(word[3]);
  }
  return records;
}

std::vector<SlabRange> TakeAll(EventQueue& queue) {
  std::vector<SlabRange> ranges;
  queue.Take(ranges);
  return ranges;
}

TEST(EventQueueTest, LaysARecordOutAsTheBridgeReadsIt) {
  EventQueue queue;
  queue.Append({0x02000003, 9}, EventKind::kMessage, 2, 0xABCD, "hello");
  EXPECT_TRUE(queue.Commit());
  const std::vector<SlabRange> ranges = TakeAll(queue);
  ASSERT_EQ(ranges.size(), 1u);
  EXPECT_EQ(ranges[0].from, 0u);
  EXPECT_EQ(ranges[0].to, 24u);  // 16 and 5, padded to 8
  EXPECT_FALSE(ranges[0].retired);
  const uint8_t expected[] = {3,    0, 0, 2, 9, 0,   0,   0,   2,   2,  0xCD,
                              0xAB, 5, 0, 0, 0, 'h', 'e', 'l', 'l', 'o'};
  EXPECT_EQ(memcmp(ranges[0].slab->data, expected, sizeof expected), 0);
}

TEST(EventQueueTest, CommitTellsWhetherThereIsNews) {
  EventQueue queue;
  EXPECT_FALSE(queue.Commit());
  queue.Append({1, 1}, EventKind::kDrain, 0, 0, "");
  EXPECT_TRUE(TakeAll(queue).empty());  // not published yet
  EXPECT_TRUE(queue.Commit());
  EXPECT_FALSE(queue.Commit());
  EXPECT_EQ(TakeAll(queue).size(), 1u);
  EXPECT_TRUE(TakeAll(queue).empty());
}

TEST(EventQueueTest, RangesOfOneSlabThatNobodyTookAreOne) {
  EventQueue queue;
  for (int i = 0; i < 3; i++) {
    queue.Append({uint32_t(i), 1}, EventKind::kDrain, 0, 0, "");
    EXPECT_TRUE(queue.Commit());
  }
  const std::vector<SlabRange> ranges = TakeAll(queue);
  ASSERT_EQ(ranges.size(), 1u);
  EXPECT_EQ(ReadRange(ranges[0]).size(), 3u);
  queue.Append({3, 1}, EventKind::kDrain, 0, 0, "");
  queue.Commit();
  const std::vector<SlabRange> next = TakeAll(queue);
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].slab, ranges[0].slab);
  EXPECT_EQ(next[0].from, ranges[0].to);
}

TEST(EventQueueTest, RollsToANewSlabAndKeepsTheOrder) {
  EventQueue queue;
  const std::string payload(1'000, 'x');
  constexpr uint32_t kCount = 1'000;  // about four slabs
  for (uint32_t i = 0; i < kCount; i++) queue.Append({i, 1}, EventKind::kMessage, 1, 0, payload);
  EXPECT_TRUE(queue.Commit());
  uint32_t next = 0;
  const std::vector<SlabRange> ranges = TakeAll(queue);
  ASSERT_GE(ranges.size(), 4u);
  for (size_t i = 0; i < ranges.size(); i++) {
    EXPECT_EQ(ranges[i].retired, i + 1 < ranges.size());
    EXPECT_LE(ranges[i].to, ranges[i].slab->capacity);
    for (const Record& record : ReadRange(ranges[i])) {
      EXPECT_EQ(record.id.slot, next++);
      EXPECT_EQ(record.payload, payload);
    }
    if (ranges[i].retired) queue.Retire(ranges[i].slab);
  }
  EXPECT_EQ(next, kCount);
}

TEST(EventQueueTest, ASlabThatRolledIsNewsEvenIfNothingFollows) {
  EventQueue queue;
  queue.Append({1, 1}, EventKind::kDrain, 0, 0, "");
  queue.Append({1, 1}, EventKind::kMessage, 1, 0, std::string(Slab::kBytes - kRecordHeader, 'x'));
  EXPECT_TRUE(queue.Commit());
  for (const SlabRange& range : TakeAll(queue)) {
    if (range.retired) queue.Retire(range.slab);
  }
}

TEST(EventQueueTest, ReusesARetiredSlab) {
  EventQueue queue;
  const std::string payload(100'000, 'x');
  std::set<const Slab*> slabs;
  for (int i = 0; i < 100; i++) {
    queue.Append({1, 1}, EventKind::kMessage, 1, 0, payload);
    queue.Commit();
    for (const SlabRange& range : TakeAll(queue)) {
      slabs.insert(range.slab);
      if (range.retired) {
        EXPECT_TRUE(queue.WillReuse(*range.slab));
        queue.Retire(range.slab);
      }
    }
  }
  EXPECT_LE(slabs.size(), 3u);
}

TEST(EventQueueTest, KeepsFewSpareSlabs) {
  EventQueue queue;
  const std::string payload(200'000, 'x');
  for (int i = 0; i < 50; i++) queue.Append({1, 1}, EventKind::kMessage, 1, 0, payload);
  queue.Commit();
  int reused = 0, freed = 0;
  for (const SlabRange& range : TakeAll(queue)) {
    if (!range.retired) continue;
    (queue.WillReuse(*range.slab) ? reused : freed)++;
    queue.Retire(range.slab);
  }
  EXPECT_EQ(reused + freed, 49);
  EXPECT_LE(reused, 16);
}

TEST(EventQueueTest, ABigRecordHasASlabOfItsOwnThatIsNotKept) {
  EventQueue queue;
  const std::string big(3 * Slab::kBytes + 5, 'b');
  queue.Append({1, 1}, EventKind::kDrain, 0, 0, "");
  queue.Append({2, 1}, EventKind::kMessage, 2, 7, big);
  queue.Append({3, 1}, EventKind::kDrain, 0, 0, "");
  queue.Commit();
  const std::vector<SlabRange> ranges = TakeAll(queue);
  ASSERT_EQ(ranges.size(), 3u);
  EXPECT_EQ(ReadRange(ranges[1])[0].payload, big);
  EXPECT_EQ(ReadRange(ranges[2])[0].id.slot, 3u);
  EXPECT_FALSE(queue.WillReuse(*ranges[1].slab));
  for (const SlabRange& range : ranges) {
    if (range.retired) queue.Retire(range.slab);
  }
}

TEST(EventQueueTest, AViewMayOutliveTheQueue) {
  Slab* slab;
  {
    EventQueue queue;
    queue.Append({1, 1}, EventKind::kMessage, 1, 0, "still here");
    queue.Commit();
    slab = TakeAll(queue)[0].slab;
    slab->Ref();
  }
  EXPECT_EQ(memcmp(slab->data + kRecordHeader, "still here", 10), 0);
  slab->Unref();
}

TEST(EventQueueTest, WhatNobodyTookDiesWithTheQueue) {
  EventQueue queue;
  for (int i = 0; i < 10; i++)
    queue.Append({1, 1}, EventKind::kMessage, 1, 0, std::string(100'000, 'x'));
  queue.Commit();
  queue.Append({1, 1}, EventKind::kDrain, 0, 0, "");
}

TEST(EventQueueTest, OneThreadWritesWhileAnotherReads) {
  EventQueue queue;
  constexpr uint32_t kCount = 20'000;
  std::thread reactor([&] {
    for (uint32_t i = 0; i < kCount; i++) {
      queue.Append({i, i + 1}, EventKind::kMessage, 1, 3, std::string(i % 700, char('a' + i % 26)));
      if (i % 5 == 0) queue.Commit();
    }
    queue.Commit();
  });
  uint32_t next = 0;
  while (next < kCount) {
    for (const SlabRange& range : TakeAll(queue)) {
      for (const Record& record : ReadRange(range)) {
        ASSERT_EQ(record.id.slot, next);
        ASSERT_EQ(record.payload, std::string(next % 700, char('a' + next % 26)));
        next++;
      }
      if (range.retired) queue.Retire(range.slab);
    }
    std::this_thread::yield();
  }
  reactor.join();
}

}  // namespace
}  // namespace fanwire
