// What MessageReader holds while bytes trickle in: lines 10, 11 and 13 of the list of attacks, and
// that the way the bytes are cut changes nothing.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "protocol/message_reader.h"
#include "test/native/protocol/client_frames.h"

namespace fanwire {
namespace {

using test::Bytes;
using test::Error;
using test::Event;
using test::Feed;
using test::FromHex;
using test::Join;
using test::Masked;
using test::Ping;
using test::Text;
using Events = std::vector<Event>;

// As much as a reader may hold for so many payload bytes on the wire.
size_t Bound(size_t payload_bytes) { return payload_bytes == 0 ? 0 : payload_bytes * 2 + 64; }

TEST(MessageReaderTest, SplitAtEveryByteGivesSameEvents) {
  const Bytes wires[] = {
      Join({Masked(0x81, "whole"), Masked(0x01, "fr\xC3"), Masked(0x89, "ping"),
            Masked(0x00, "\xBC"), Masked(0x8A, ""), Masked(0x80, "h"),
            Masked(0x82, std::string(130, 'b')), Masked(0x01, ""), Masked(0x80, ""),
            Masked(0x88,
                   "\x03\xE8"
                   "bye"),
            Masked(0x81, "late")}),
      Join({Masked(0x81, "good"), Masked(0x01, "\xF0\x9F"), Masked(0x89, "p"),
            Masked(0x80, "\x98(")}),
      Join({Masked(0x82, "good"), FromHex("c2 81 01 02 03 04 05")}),
      Join({Masked(0x02, "good"), FromHex("80 ff 40 00 00 00 00 00 00 00 01 02 03 04 05")}),
      Join({Masked(0x89, "ping"), Masked(0x88, "\x03\xE8\xE2\x82")}),
  };
  for (const Bytes& wire : wires) {
    const Events whole = test::Read(wire);
    ASSERT_FALSE(whole.empty());
    EXPECT_EQ(test::ReadByteByByte(wire), whole);
    for (size_t i = 0; i <= wire.size(); ++i) {
      for (size_t j = i; j <= wire.size(); ++j) {
        MessageReader reader(test::kTestLimit);
        ASSERT_EQ(test::ReadCutAt(&reader, wire, {i, j}), whole) << i << " " << j;
      }
    }
  }
}

TEST(MessageReaderMemoryTest, HoldsNothingBetweenMessages) {
  const Bytes wire =
      Join({Masked(0x81, "text"), Masked(0x89, "ping"), Masked(0x01, "a"), Masked(0x80, "b")});
  MessageReader reader(test::kTestLimit);
  Events events;
  for (const uint8_t byte : wire) ASSERT_TRUE(Feed(&reader, &byte, 1, &events));
  EXPECT_EQ(events, (Events{Text("text"), Ping("ping"), Text("ab")}));
  EXPECT_EQ(reader.buffered_bytes(), 0u);
}

TEST(MessageReaderMemoryTest, HoldsNothingForADeclaredLength) {
  MessageReader reader(UINT32_MAX);
  Events events;
  const Bytes header = FromHex("82 ff 00 00 00 00 ff 00 00 00 01 02 03 04");  // nearly 4 GiB
  ASSERT_TRUE(Feed(&reader, header.data(), header.size(), &events));
  EXPECT_TRUE(reader.mid_message());
  EXPECT_EQ(reader.buffered_bytes(), 0u);
  ASSERT_TRUE(Feed(&reader, header.data(), 1, &events));
  EXPECT_LE(reader.buffered_bytes(), Bound(1));
}

TEST(MessageReaderMemoryTest, GrowsWithTheBytesThatCome) {
  const size_t size = 300000;
  const Bytes wire = Masked(0x82, std::string(size, 'x'));
  for (const size_t step : {1u, 7u, 1460u, 65536u}) {
    MessageReader reader(test::kTestLimit);
    Events events;
    std::set<size_t> capacities;
    for (size_t at = 0; at < wire.size(); at += step) {
      ASSERT_TRUE(Feed(&reader, wire.data() + at, std::min(step, wire.size() - at), &events));
      ASSERT_LE(reader.buffered_bytes(), Bound(at + step));
      ASSERT_LE(reader.buffered_bytes(), size);
      capacities.insert(reader.buffered_bytes());
    }
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].data, std::string(size, 'x'));
    EXPECT_LE(capacities.size(), 30u) << "copied as it grows, but not often";
  }
}

TEST(MessageReaderMemoryTest, HoldsOneByteFragmentsNearTheirWireBytesUntil1008) {
  const Bytes first = Masked(0x02, "x");
  const Bytes next = Masked(0x00, "x");
  MessageReader reader(test::kTestLimit);
  Events events;
  size_t fragments = 0;
  while (fragments < 131000) {
    const Bytes& frame = fragments == 0 ? first : next;
    if (!Feed(&reader, frame.data(), frame.size(), &events)) break;
    ++fragments;
    ASSERT_LE(reader.buffered_bytes(), Bound(fragments));
  }
  EXPECT_EQ(fragments, MessageReader::kMaxFragments);
  EXPECT_EQ(events, Events{Error(1008)});
  EXPECT_EQ(reader.buffered_bytes(), 0u);
}

TEST(MessageReaderMemoryTest, HoldsNothingForEmptyFragmentsUntil1008) {
  const Bytes first = Masked(0x01, "");
  const Bytes next = Masked(0x00, "");
  MessageReader reader(test::kTestLimit);
  Events events;
  size_t fragments = 0;
  while (fragments < 131000) {
    const Bytes& frame = fragments == 0 ? first : next;
    if (!Feed(&reader, frame.data(), frame.size(), &events)) break;
    ++fragments;
    ASSERT_EQ(reader.buffered_bytes(), 0u);
  }
  EXPECT_EQ(fragments, MessageReader::kMaxFragments);
  EXPECT_EQ(events, Events{Error(1008)});
}

TEST(MessageReaderMemoryTest, EndsFragmentsAtTheMessageLimitWith1009) {
  const uint32_t limit = 1000;
  MessageReader reader(limit);
  Events events;
  size_t fragments = 0;
  while (fragments < 131000) {
    const Bytes frame = Masked(fragments == 0 ? 0x02 : 0x00, "x");
    if (!Feed(&reader, frame.data(), frame.size(), &events)) break;
    ++fragments;
    ASSERT_LE(reader.buffered_bytes(), limit);
  }
  EXPECT_EQ(fragments, limit);
  EXPECT_EQ(events, Events{Error(1009)});
}

TEST(MessageReaderMemoryTest, AllowsAMessageOfExactlyTheMostFragments) {
  MessageReader reader(test::kTestLimit);
  Events events;
  for (uint32_t i = 1; i <= MessageReader::kMaxFragments; ++i) {
    const uint8_t first_byte = i == 1 ? 0x01 : i == MessageReader::kMaxFragments ? 0x80 : 0x00;
    const Bytes frame = Masked(first_byte, "x");
    ASSERT_TRUE(Feed(&reader, frame.data(), frame.size(), &events));
  }
  EXPECT_EQ(events, Events{Text(std::string(MessageReader::kMaxFragments, 'x'))});
}

TEST(MessageReaderMemoryTest, SeldomCopiesAMessageForPingsThatComeInPieces) {
  MessageReader reader(test::kTestLimit);
  Events events;
  std::set<size_t> capacities;
  const Bytes ping = Masked(0x89, std::string(125, 'p'));
  for (int i = 0; i < 2000; ++i) {
    const Bytes fragment = Masked(i == 0 ? 0x02 : 0x00, "x");
    ASSERT_TRUE(Feed(&reader, fragment.data(), fragment.size(), &events));
    ASSERT_TRUE(Feed(&reader, ping.data(), 100, &events));
    ASSERT_TRUE(Feed(&reader, ping.data() + 100, ping.size() - 100, &events));
    capacities.insert(reader.buffered_bytes());
  }
  EXPECT_EQ(events.size(), 2000u);
  EXPECT_EQ(events.back(), Ping(std::string(125, 'p')));
  EXPECT_LE(capacities.size(), 15u);
  EXPECT_LE(reader.buffered_bytes(), Bound(2000 + 125));
}

TEST(MessageReaderMemoryTest, DiscardFreesAMessageAndSkipsItsRest) {
  const Bytes wire = Join({Masked(0x01, "lost"), Masked(0x89, "ping"),
                           Masked(0x80, "lost too \xFF"), Masked(0x81, "kept")});
  const size_t first_frame = Masked(0x01, "lost").size();
  for (size_t cut = 6; cut < wire.size() - Masked(0x81, "kept").size(); ++cut) {
    MessageReader reader(test::kTestLimit);
    Events events;
    if (!Feed(&reader, wire.data(), cut, &events)) continue;  // the bad byte came first
    const bool in_ping = cut > first_frame + 6 && cut < first_frame + 10;
    reader.Discard();
    EXPECT_LE(reader.buffered_bytes(), in_ping ? 64u : 0u) << cut;
    ASSERT_TRUE(Feed(&reader, wire.data() + cut, wire.size() - cut, &events)) << cut;
    EXPECT_EQ(events, (Events{Ping("ping"), Text("kept")})) << cut;
    EXPECT_EQ(reader.buffered_bytes(), 0u) << cut;
  }
}

TEST(MessageReaderMemoryTest, DiscardBetweenMessagesLosesNothing) {
  const Bytes message = Masked(0x81, "kept");
  MessageReader reader(test::kTestLimit);
  Events events;
  reader.Discard();
  ASSERT_TRUE(Feed(&reader, message.data(), 3, &events));
  reader.Discard();
  ASSERT_TRUE(Feed(&reader, message.data() + 3, message.size() - 3, &events));
  EXPECT_EQ(events, Events{Text("kept")});
  EXPECT_FALSE(reader.mid_message());
}

TEST(MessageReaderMemoryTest, DiscardAfterAnErrorOrACloseChangesNothing) {
  const Bytes bad = FromHex("83 80 01 02 03 04");
  const Bytes close = Masked(0x88, "");
  MessageReader failed(test::kTestLimit);
  MessageReader closed(test::kTestLimit);
  Events events;
  Feed(&failed, bad.data(), bad.size(), &events);
  Feed(&closed, close.data(), close.size(), &events);
  events.clear();
  failed.Discard();
  closed.Discard();
  Feed(&failed, close.data(), close.size(), &events);
  Feed(&closed, close.data(), close.size(), &events);
  EXPECT_EQ(events, Events{Error(1002)});
}

}  // namespace
}  // namespace fanwire
