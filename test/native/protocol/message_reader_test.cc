#include "protocol/message_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test/native/protocol/client_frames.h"

namespace fanwire {
namespace {

using test::Binary;
using test::Bytes;
using test::Close;
using test::Error;
using test::Event;
using test::FromHex;
using test::Join;
using test::Masked;
using test::Ping;
using test::Pong;
using test::Read;
using test::ReadByteByByte;
using test::Text;
using Events = std::vector<Event>;

struct Case {
  const char* what;
  Bytes wire;
  Events events;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    EXPECT_EQ(Read(c.wire), c.events) << c.what;
    EXPECT_EQ(ReadByteByByte(c.wire), c.events) << c.what << ", byte by byte";
  }
}

TEST(MessageReaderTest, ReadsMessages) {
  Check({
      {"Hello of RFC 6455", FromHex("81 85 37 fa 21 3d 7f 9f 4d 51 58"), {Text("Hello")}},
      {"an empty text", FromHex("81 80 01 02 03 04"), {Text("")}},
      {"an empty binary", FromHex("82 80 01 02 03 04"), {Binary("")}},
      {"two at once", Join({Masked(0x81, "a"), Masked(0x82, "b")}), {Text("a"), Binary("b")}},
      {"125 bytes", Masked(0x82, std::string(125, 'x')), {Binary(std::string(125, 'x'))}},
      {"126 bytes", Masked(0x82, std::string(126, 'x')), {Binary(std::string(126, 'x'))}},
      {"65,535 bytes", Masked(0x81, std::string(65535, 'x')), {Text(std::string(65535, 'x'))}},
      {"65,536 bytes", Masked(0x81, std::string(65536, 'x')), {Text(std::string(65536, 'x'))}},
      {"nothing", {}, {}},
      {"half a header", FromHex("81"), {}},
      {"half a message", FromHex("81 85 37 fa 21 3d 7f"), {}},
  });
}

TEST(MessageReaderTest, JoinsFragments) {
  Check({
      {"text", Join({Masked(0x01, "Hel"), Masked(0x80, "lo")}), {Text("Hello")}},
      {"binary in three",
       Join({Masked(0x02, "a"), Masked(0x00, "b"), Masked(0x80, "c")}),
       {Binary("abc")}},
      {"empty ones", Join({Masked(0x01, ""), Masked(0x00, ""), Masked(0x80, "")}), {Text("")}},
      {"all in the last", Join({Masked(0x01, ""), Masked(0x80, "abc")}), {Text("abc")}},
      {"all in the first", Join({Masked(0x01, "abc"), Masked(0x80, "")}), {Text("abc")}},
      {"then a whole message",
       Join({Masked(0x01, "a"), Masked(0x80, "b"), Masked(0x82, "c")}),
       {Text("ab"), Binary("c")}},
      {"a character cut in two",
       Join({Masked(0x01, "\xE2\x82"), Masked(0x80, "\xAC")}),
       {Text("\xE2\x82\xAC")}},
  });
}

TEST(MessageReaderTest, TellsControlFramesBetweenFragmentsAtOnce) {
  Check({
      {"ping", Masked(0x89, "beat"), {Ping("beat")}},
      {"empty ping", Masked(0x89, ""), {Ping("")}},
      {"pong", Masked(0x8A, std::string(125, 'p')), {Pong(std::string(125, 'p'))}},
      {"between fragments",
       Join({Masked(0x01, "a"), Masked(0x89, "1"), Masked(0x00, "b"), Masked(0x8A, "2"),
             Masked(0x80, "c")}),
       {Ping("1"), Pong("2"), Text("abc")}},
      {"after an empty fragment",
       Join({Masked(0x01, ""), Masked(0x89, "1"), Masked(0x80, "c"), Masked(0x81, "d")}),
       {Ping("1"), Text("c"), Text("d")}},
      {"close within a message",
       Join({Masked(0x01, "a"), Masked(0x88,
                                       "\x03\xE8"
                                       "bye")}),
       {Close(1000, "bye")}},
  });
}

TEST(MessageReaderTest, TellsCloseWithCodeAndReason) {
  Check({
      {"without code", Masked(0x88, ""), {Close(1005)}},
      {"1000", Masked(0x88, "\x03\xE8"), {Close(1000)}},
      {"1001 and a reason",
       Masked(0x88,
              "\x03\xE9"
              "gr\xC3\xBC\xC3\x9F"),
       {Close(1001, "gr\xC3\xBC\xC3\x9F")}},
      {"4999 and 123 bytes",
       Masked(0x88, "\x13\x87" + std::string(123, 'r')),
       {Close(4999, std::string(123, 'r'))}},
      {"nothing follows",
       Join({Masked(0x88, ""), Masked(0x81, "late"), FromHex("ff ff ff")}),
       {Close(1005)}},
  });
}

TEST(MessageReaderTest, AllowsOnlyTheCloseCodesThatMayBeSent) {
  for (int code = 0; code <= 0xFFFF; ++code) {
    const bool allowed = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                         (code >= 3000 && code <= 4999);
    ASSERT_EQ(IsValidCloseCode(static_cast<uint16_t>(code)), allowed) << code;
  }
  for (const int code : {0, 99, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535}) {
    const char payload[2] = {static_cast<char>(code >> 8), static_cast<char>(code)};
    EXPECT_EQ(Read(Masked(0x88, {payload, 2})), Events{Error(1002)}) << code;
  }
}

TEST(MessageReaderTest, AnswersBrokenFramingWith1002) {
  std::vector<Case> cases = {
      {"not masked", FromHex("81 05 48 65 6c 6c 6f"), {Error(1002)}},
      {"a ping not masked", FromHex("89 00"), {Error(1002)}},
      {"RSV1 without extension", FromHex("c1 80 01 02 03 04"), {Error(1002)}},
      {"RSV2", FromHex("a1 80 01 02 03 04"), {Error(1002)}},
      {"RSV3", FromHex("91 80 01 02 03 04"), {Error(1002)}},
      {"RSV1 on a ping", FromHex("c9 80 01 02 03 04"), {Error(1002)}},
      {"RSV1 on a continuation",
       Join({Masked(0x01, "a"), FromHex("c0 80 01 02 03 04")}),
       {Error(1002)}},
      {"control frame of 126 bytes", Masked(0x89, std::string(126, 'x')), {Error(1002)}},
      {"control frame without FIN", Masked(0x09, "x"), {Error(1002)}},
      {"close without FIN", Masked(0x08, ""), {Error(1002)}},
      {"close of one byte", Masked(0x88, "\x03"), {Error(1002)}},
      {"continuation of nothing", Masked(0x80, "x"), {Error(1002)}},
      {"continuation after the end",
       Join({Masked(0x01, "a"), Masked(0x80, "b"), Masked(0x80, "c")}),
       {Text("ab"), Error(1002)}},
      {"text inside a message", Join({Masked(0x01, "a"), Masked(0x81, "b")}), {Error(1002)}},
      {"binary inside an empty fragmented message",
       Join({Masked(0x01, ""), Masked(0x82, "b")}),
       {Error(1002)}},
      {"125 in two bytes", FromHex("82 fe 00 7d 01 02 03 04"), {Error(1002)}},
      {"65,535 in eight bytes",
       FromHex("82 ff 00 00 00 00 00 00 ff ff 01 02 03 04"),
       {Error(1002)}},
      {"64-bit length with the top bit",
       FromHex("82 ff 80 00 00 00 00 00 00 01 01 02 03 04"),
       {Error(1002)}},
  };
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    const uint8_t first_byte = static_cast<uint8_t>(0x80 | opcode);
    cases.push_back({"a reserved opcode", Masked(first_byte, "x"), {Error(1002)}});
  }
  Check(cases);
}

TEST(MessageReaderTest, AnswersBadUtf8With1007) {
  Check({
      {"in a whole message", Masked(0x81, "ab\xFF"), {Error(1007)}},
      {"in a long one", Masked(0x81, std::string(300, 'a') + "\xC0"), {Error(1007)}},
      {"cut at the end", Masked(0x81, "ab\xE2\x82"), {Error(1007)}},
      {"across fragments", Join({Masked(0x01, "\xE2\x82"), Masked(0x80, "x")}), {Error(1007)}},
      {"in a fragment that is not the last", Masked(0x01, "ab\xFF"), {Error(1007)}},
      {"cut at the end of the last fragment",
       Join({Masked(0x01, "a"), Masked(0x80, "\xE2")}),
       {Error(1007)}},
      {"cut, and the last fragment is empty",
       Join({Masked(0x01, "\xE2"), Masked(0x80, "")}),
       {Error(1007)}},
      {"in a close reason", Masked(0x88, "\x03\xE8\xFF"), {Error(1007)}},
      {"cut in a close reason", Masked(0x88, "\x03\xE8\xE2"), {Error(1007)}},
      {"not looked for in binary", Masked(0x82, "\xFF"), {Binary("\xFF")}},
      {"not looked for in pings", Masked(0x89, "\xFF"), {Ping("\xFF")}},
      {"after a message that was good",
       Join({Masked(0x81, "a"), Masked(0x81, "\xFF")}),
       {Text("a"), Error(1007)}},
  });
}

TEST(MessageReaderTest, RefusesABadByteBeforeTheRestOfTheFrameHasCome) {
  Bytes wire = Masked(0x81, "good \xED\xA0\x80 and much that never comes");
  wire.resize(6 + 7);  // the header, "good ", and the second byte of a surrogate
  EXPECT_EQ(Read(wire), Events{Error(1007)});
  EXPECT_EQ(ReadByteByByte(wire), Events{Error(1007)});
  wire.pop_back();
  EXPECT_EQ(Read(wire), Events{});
}

TEST(MessageReaderTest, HoldsTheLimitOnTheMessageNotOnTheFrame) {
  const struct {
    const char* what;
    Bytes wire;
    Events events;
  } cases[] = {
      {"as much as allowed", Masked(0x82, "12345678"), {Binary("12345678")}},
      {"one more", Masked(0x82, "123456789"), {Error(1009)}},
      {"fragments, as much as allowed",
       Join({Masked(0x02, "1234"), Masked(0x80, "5678")}),
       {Binary("12345678")}},
      {"fragments, one more", Join({Masked(0x02, "1234"), Masked(0x80, "56789")}), {Error(1009)}},
      {"control frames do not count",
       Join({Masked(0x02, "12345678"), Masked(0x89, "0123456789"), Masked(0x80, "")}),
       {Ping("0123456789"), Binary("12345678")}},
      {"each message starts anew",
       Join({Masked(0x82, "12345678"), Masked(0x82, "12345678")}),
       {Binary("12345678"), Binary("12345678")}},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Read(c.wire, 8), c.events) << c.what;
    EXPECT_EQ(ReadByteByByte(c.wire, 8), c.events) << c.what;
  }
}

TEST(MessageReaderTest, RefusesAMessageTooBigAtItsHeader) {
  const Bytes too_big = FromHex("82 ff 00 00 00 00 00 10 00 01 01 02 03 04");  // 1 MiB and one byte
  EXPECT_EQ(Read(too_big), Events{Error(1009)});
  const Bytes quarter_of_everything = FromHex("82 ff 40 00 00 00 00 00 00 00 01 02 03 04");  // 2^62
  EXPECT_EQ(Read(quarter_of_everything), Events{Error(1009)});
  EXPECT_EQ(Read(quarter_of_everything, UINT32_MAX), Events{Error(1009)});
  const Bytes wraps_32_bits = FromHex("82 ff 00 00 00 01 00 00 00 01 01 02 03 04");  // 2^32 + 1
  EXPECT_EQ(Read(wraps_32_bits), Events{Error(1009)});
}

TEST(MessageReaderTest, JudgesTheLengthAlikeWhenThePayloadIsAlreadyThere) {
  const Bytes payload(20000, 'x');
  const struct {
    const char* header;
    uint16_t code;
  } cases[] = {
      {"82 fe 00 7d 01 02 03 04", 1002},                    // 125 in two bytes
      {"82 ff 00 00 00 00 00 00 00 7e 01 02 03 04", 1002},  // 126 in eight bytes
      {"82 ff 80 00 00 00 00 00 00 7e 01 02 03 04", 1002},  // the top bit
      {"82 ff 40 00 00 00 00 00 00 00 01 02 03 04", 1009},  // 2^62
      {"82 7e 00 7e", 1002},                                // not masked
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Read(Join({FromHex(c.header), payload})), Events{Error(c.code)}) << c.header;
  }
}

TEST(MessageReaderTest, FailsForGood) {
  MessageReader reader(test::kTestLimit);
  Events events;
  const Bytes bad = Masked(0x83, "x");
  const Bytes good = Masked(0x81, "x");
  EXPECT_FALSE(test::Feed(&reader, bad.data(), bad.size(), &events));
  EXPECT_FALSE(test::Feed(&reader, good.data(), good.size(), &events));
  EXPECT_FALSE(test::Feed(&reader, nullptr, 0, &events));
  EXPECT_EQ(events, (Events{Error(1002), Error(1002), Error(1002)}));
  EXPECT_FALSE(reader.mid_message());
  EXPECT_EQ(reader.buffered_bytes(), 0u);
}

TEST(MessageReaderTest, LeavesWhatFollowsAnEventForTheNextCall) {
  Bytes wire = Join({Masked(0x81, "one"), Masked(0x89, "two")});
  MessageReader reader(test::kTestLimit);
  uint8_t* p = wire.data();
  uint8_t* const end = p + wire.size();
  EXPECT_EQ(reader.Next(&p, end).kind, ReadEvent::Kind::kMessage);
  EXPECT_EQ(p, wire.data() + 9);
  EXPECT_EQ(reader.Next(&p, end).kind, ReadEvent::Kind::kPing);
  EXPECT_EQ(p, end);
  EXPECT_EQ(reader.Next(&p, end).kind, ReadEvent::Kind::kNeedMore);
}

TEST(MessageReaderTest, TellsAMessageInPlaceWhenItLiesWholeInTheBuffer) {
  for (const size_t size : {3u, 300u, 70000u}) {
    Bytes wire = Masked(0x82, std::string(size, 'x'));
    MessageReader reader(test::kTestLimit);
    uint8_t* p = wire.data();
    const ReadEvent event = reader.Next(&p, p + wire.size());
    EXPECT_EQ(event.data, wire.data() + wire.size() - size);
    EXPECT_EQ(event.size, size);
    EXPECT_EQ(reader.buffered_bytes(), 0u);
  }
}

TEST(MessageReaderTest, IsMidMessageFromTheFirstHeaderToTheLastByte) {
  const Bytes wire = Join({Masked(0x01, "ab"), Masked(0x89, "p"), Masked(0x80, "c")});
  MessageReader reader(test::kTestLimit);
  Events events;
  for (size_t i = 0; i < wire.size(); ++i) {
    ASSERT_TRUE(test::Feed(&reader, wire.data() + i, 1, &events));
    const bool in_message = i >= 5 && i + 1 < wire.size();
    EXPECT_EQ(reader.mid_message(), in_message) << i;
  }
  EXPECT_EQ(events, (Events{Ping("p"), Text("abc")}));
}

TEST(MessageReaderTest, CanBeMovedInTheMidstOfAMessage) {
  const Bytes wire = Join({Masked(0x01, "ab"), Masked(0x80, "c")});
  for (size_t cut = 0; cut <= wire.size(); ++cut) {
    Events events;
    MessageReader first(test::kTestLimit);
    test::Feed(&first, wire.data(), cut, &events);
    MessageReader second(std::move(first));
    test::Feed(&second, wire.data() + cut, wire.size() - cut, &events);
    EXPECT_EQ(events, Events{Text("abc")}) << cut;
  }
}

}  // namespace
}  // namespace fanwire
