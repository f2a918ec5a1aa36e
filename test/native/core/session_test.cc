// A session's way in: frames, messages up, publishing, closing; driven by a client's bytes as they
// are on the wire.
#include "core/session.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "test/native/core/memory_engine.h"

namespace fanwire {
namespace {

using test::Bytes;
using test::FromHex;
using test::Join;
using test::Masked;
using test::MemoryClient;
using test::MemoryEngine;
using test::ServerFrame;
using test::ServerText;
using Events = std::vector<std::string>;

EndpointOptions Told() {
  EndpointOptions options;
  options.deliver = options.close = true;
  options.ping_interval_ms = 0;
  return options;
}

class SessionTest : public testing::Test {
 protected:
  MemoryClient& ConnectTo(const EndpointOptions& options, std::string_view path = "/") {
    return engine_.Connect(engine_.AddEndpoint(options), path);
  }
  void ReceiveInARound(MemoryClient& client, const Bytes& wire) {
    engine_.Receive(client, wire);
    engine_.Round();
  }

  MemoryEngine engine_;
};

// ---- messages ----

TEST_F(SessionTest, AMessageIsToldAsItCame) {
  MemoryClient& a = ConnectTo(Told());
  // "Hello" of RFC 6455, section 5.7, and two binary bytes.
  engine_.Receive(a, FromHex("81 85 37 fa 21 3d 7f 9f 4d 51 58"));
  engine_.Receive(a, FromHex("82 82 00 00 00 00 68 69"));
  EXPECT_EQ(engine_.TakeEvents(), (Events{"text Hello", "binary hi"}));
}

TEST_F(SessionTest, AnyCutOfTheBytesTellsTheSameMessages) {
  const Bytes wire = Join({Masked(0x81, "one"), Masked(0x01, "t"), Masked(0x89, "ping"),
                           Masked(0x80, "wo"), Masked(0x82, std::string(200, 'x')),
                           Masked(0x88,
                                  "\x03\xE8"
                                  "bye")});
  const Events expected = {"text one", "text two", "binary " + std::string(200, 'x'),
                           "close 1000 peer clean 'bye'"};
  for (size_t step = 1; step <= wire.size(); step++) {
    MemoryEngine engine;
    MemoryClient& a = engine.Connect(engine.AddEndpoint(Told()));
    for (size_t at = 0; at < wire.size(); at += step) {
      engine.Receive(
          a, Bytes(wire.begin() + long(at), wire.begin() + long(std::min(at + step, wire.size()))));
      if (step % 2 == 0) engine.Round();
    }
    engine.Round();
    ASSERT_EQ(engine.TakeEvents(), expected) << step;
    ASSERT_EQ(a.TakeSent().substr(step % 2 == 0 ? 6 : 0), std::string("\x88\x02\x03\xE8", 4))
        << step;
  }
}

TEST_F(SessionTest, OpenComesFirstAndMessagesWaitUntilItHasSettled) {
  EndpointOptions options = Told();
  options.open = true;
  MemoryClient& a = ConnectTo(options);
  engine_.Receive(a, Masked(0x81, "early"));
  engine_.Round();
  EXPECT_EQ(engine_.TakeEvents(), Events{"open"});
  engine_.Settle(a, kSettleOpen);
  engine_.Round();
  EXPECT_EQ(engine_.TakeEvents(), Events{"text early"});
}

TEST_F(SessionTest, AnEndpointWithoutHandlersTellsNothing) {
  EndpointOptions options;
  options.publish_to = "room";
  MemoryClient& a = ConnectTo(options);
  engine_.Receive(a, Join({Masked(0x81, "x"), Masked(0x88, "\x03\xE8")}));
  engine_.Round();
  EXPECT_TRUE(engine_.TakeEvents().empty());
  EXPECT_TRUE(a.stream.closed);
  EXPECT_EQ(engine_.hub().session_count(), 0u);
}

TEST_F(SessionTest, AFailedMessageEndsTheSessionAndItsRecordAtOnceWhenNobodyIsTold) {
  MemoryClient& a = ConnectTo(EndpointOptions{});
  const SessionId id = a.id;
  engine_.Lose(a);
  engine_.Round();
  MemoryClient& b = ConnectTo(EndpointOptions{});
  EXPECT_EQ(b.id.slot, id.slot);
  EXPECT_NE(b.id.generation, id.generation);
}

// ---- publishing ----

TEST_F(SessionTest, PublishToSendsToTheRoomOfThePathAndToTheSender) {
  EndpointOptions options;
  options.pattern = "/chat/:room";
  options.publish_to = "chat/:room";
  const Endpoint& endpoint = engine_.AddEndpoint(options);
  MemoryClient &a = engine_.Connect(endpoint, "/chat/a"), &b = engine_.Connect(endpoint, "/chat/a"),
               &c = engine_.Connect(endpoint, "/chat/c");
  engine_.Receive(a, Masked(0x81, "hi"));
  engine_.Receive(b, Masked(0x82, "raw"));
  engine_.Round();
  EXPECT_EQ(a.TakeSent(), "\x81\x02hi\x82\x03raw");
  EXPECT_EQ(b.TakeSent(), "\x81\x02hi\x82\x03raw");
  EXPECT_EQ(c.TakeSent(), "");
  EXPECT_EQ(engine_.directory().Size(ChannelKind::kRoom, "chat/a"), 2u);
}

TEST_F(SessionTest, ExceptSenderLeavesTheSenderOut) {
  EndpointOptions options;
  options.publish_to = "room";
  options.except_sender = true;
  const Endpoint& endpoint = engine_.AddEndpoint(options);
  MemoryClient &a = engine_.Connect(endpoint), &b = engine_.Connect(endpoint);
  engine_.Receive(a, Masked(0x81, "from a"));
  engine_.Receive(b, Masked(0x81, "from b"));
  engine_.Round();
  EXPECT_EQ(a.TakeSent(), ServerText("from b"));
  EXPECT_EQ(b.TakeSent(), ServerText("from a"));
}

TEST_F(SessionTest, APublishedMessageMayBeToldToo) {
  EndpointOptions options = Told();
  options.publish_to = "room";
  MemoryClient& a = ConnectTo(options);
  engine_.Receive(a, Masked(0x81, "both"));
  engine_.Round();
  EXPECT_EQ(a.TakeSent(), ServerText("both"));
  EXPECT_EQ(engine_.TakeEvents(), Events{"text both"});
}

TEST_F(SessionTest, WhoPublishesGoesOnAfterLeavingTheRoom) {
  EndpointOptions options;
  options.publish_to = "room";
  MemoryClient &a = ConnectTo(options), &b = ConnectTo(EndpointOptions{});
  engine_.Leave(a, "room");
  engine_.Join(b, "room");
  engine_.Round();
  engine_.Receive(a, Masked(0x81, "still"));
  engine_.Round();
  EXPECT_EQ(a.TakeSent(), "");
  EXPECT_EQ(b.TakeSent(), ServerText("still"));
}

TEST(SessionMailboxTest, AFullMailboxHoldsThePublisherBackAndLosesNothing) {
  EngineOptions engine_options;
  engine_options.max_mailbox_bytes = 100;
  MemoryEngine engine(engine_options);
  EndpointOptions options = Told();
  options.publish_to = "room";
  MemoryClient& a = engine.Connect(engine.AddEndpoint(options));
  engine.Round();
  std::string expected;
  Events told;
  Bytes wire;
  for (int i = 0; i < 100; i++) {
    const std::string text = "message " + std::to_string(i);
    wire = Join({wire, Masked(0x81, text)});
    expected += ServerText(text);
    told.push_back("text " + text);
  }
  engine.Receive(a, wire);
  EXPECT_FALSE(a.stream.reading);
  EXPECT_TRUE(engine.hub().has_retries());
  Events events;
  for (int i = 0; i < 200; i++) {
    engine.Round();
    for (const std::string& event : engine.TakeEvents()) {
      events.push_back(event);
      engine.Settle(a, uint32_t(event.size() - 5));
    }
  }
  EXPECT_EQ(a.TakeSent(), expected);
  EXPECT_EQ(events, told);
  EXPECT_TRUE(a.stream.reading);
  EXPECT_FALSE(engine.hub().has_retries());
}

// ---- control frames ----

TEST_F(SessionTest, APingIsAnsweredWithItsPayload) {
  MemoryClient& a = ConnectTo(Told());
  ReceiveInARound(a, Masked(0x89, "abc"));
  EXPECT_EQ(a.TakeSent(),
            "\x8A\x03"
            "abc");
  ReceiveInARound(a, Masked(0x89, ""));
  EXPECT_EQ(a.TakeSent(), std::string("\x8A\x00", 2));
  ReceiveInARound(a, Masked(0x89, std::string(125, 'p')));
  EXPECT_EQ(a.TakeSent(), ServerFrame(0x8A, std::string(125, 'p')));
  EXPECT_TRUE(engine_.TakeEvents().empty());
}

TEST_F(SessionTest, APongIsNobodysBusiness) {
  MemoryClient& a = ConnectTo(Told());
  ReceiveInARound(a, Join({Masked(0x8A, "unasked"), Masked(0x81, "x")}));
  EXPECT_EQ(a.TakeSent(), "");
  EXPECT_EQ(engine_.TakeEvents(), Events{"text x"});
}

TEST_F(SessionTest, APingFloodIsAnsweredOnceARoundWithTheLatestPayload) {
  MemoryClient& a = ConnectTo(Told());
  Bytes flood;
  for (int i = 0; i < 10'000; i++) {
    const Bytes ping = Masked(0x89, std::to_string(i));
    flood.insert(flood.end(), ping.begin(), ping.end());
  }
  ReceiveInARound(a, flood);
  EXPECT_EQ(a.TakeSent(),
            "\x8A\x04"
            "9999");
  EXPECT_EQ(a.stream.writes, 1);
}

TEST_F(SessionTest, APingFloodOfABlockedClientCostsNoMemory) {
  MemoryClient& a = ConnectTo(Told());
  a.stream.room = 0;
  for (int i = 0; i < 1'000; i++) ReceiveInARound(a, Masked(0x89, std::to_string(i)));
  EXPECT_LE(engine_.counters().outbox_bytes.value(), 10u);
  engine_.MakeWritable(a, test::MemoryStream::kEndless);
  engine_.Round();
  EXPECT_EQ(a.TakeSent(),
            "\x8A\x01"
            "0\x8A\x03"
            "999");
}

// ---- the end, by the peer ----

TEST_F(SessionTest, APeersCloseIsAnsweredWithItsCode) {
  MemoryClient& a = ConnectTo(Told());
  ReceiveInARound(a, Masked(0x88,
                            "\x03\xE9"
                            "going"));
  EXPECT_EQ(a.TakeSent(), "\x88\x02\x03\xE9");
  EXPECT_TRUE(a.stream.closed);
  EXPECT_EQ(engine_.TakeEvents(), Events{"close 1001 peer clean 'going'"});
  EXPECT_EQ(engine_.hub().session_count(), 0u);
}

TEST_F(SessionTest, AnEmptyCloseIsAnsweredEmpty) {
  MemoryClient& a = ConnectTo(Told());
  ReceiveInARound(a, Masked(0x88, ""));
  EXPECT_EQ(a.TakeSent(), std::string("\x88\x00", 2));
  EXPECT_EQ(engine_.TakeEvents(), Events{"close 1005 peer clean"});
}

TEST_F(SessionTest, AnInvalidCloseCodeIsAProtocolError) {
  for (const char* code :
       {"\x03\xED", "\x03\xEE", "\x03\xF7", "\x03\xE7", "\x13\x88", "\x04\x00"}) {
    MemoryEngine engine;
    MemoryClient& a = engine.Connect(engine.AddEndpoint(Told()));
    engine.Receive(a, Masked(0x88, std::string_view(code, 2)));
    engine.Round();
    EXPECT_EQ(a.TakeSent().substr(0, 4).substr(2), "\x03\xEA");
    EXPECT_TRUE(a.stream.write_ended);
  }
}

TEST_F(SessionTest, NothingIsReadBehindAClose) {
  MemoryClient& a = ConnectTo(Told());
  ReceiveInARound(a, Join({Masked(0x81, "before"), Masked(0x88, "\x03\xE8"), Masked(0x81, "behind"),
                           Bytes(50, 0xFF)}));
  EXPECT_EQ(engine_.TakeEvents(), (Events{"text before", "close 1000 peer clean"}));
}

TEST_F(SessionTest, WhatWasSentBeforeThePeersCloseGoesBeforeTheAnswer) {
  MemoryClient& a = ConnectTo(Told());
  engine_.Send(a, "last");
  engine_.Receive(a, Masked(0x88, "\x03\xE8"));
  engine_.Round();
  EXPECT_EQ(a.TakeSent(), "\x81\x04last\x88\x02\x03\xE8");
}

TEST_F(SessionTest, AStreamThatEndsWithoutACloseIs1006) {
  MemoryClient& a = ConnectTo(Told());
  engine_.Receive(a, Masked(0x81, "last words"));
  engine_.Lose(a);
  engine_.Round();
  EXPECT_EQ(engine_.TakeEvents(), (Events{"text last words", "close 1006 lost"}));
}

TEST_F(SessionTest, AStreamThatBreaksSaysWhy) {
  MemoryClient& a = ConnectTo(Told());
  engine_.Lose(a, ECONNRESET);
  engine_.Round();
  EXPECT_EQ(engine_.TakeEvents(), (Events{"error ECONNRESET", "close 1006 lost"}));
}

TEST_F(SessionTest, AWriteThatFailsIsTheEnd) {
  MemoryClient& a = ConnectTo(Told());
  a.stream.dead = true;
  engine_.Send(a, "into the void");
  engine_.Round();
  EXPECT_EQ(engine_.TakeEvents(), Events{"close 1006 lost"});
  EXPECT_TRUE(a.stream.closed);
  EXPECT_EQ(engine_.StateOf(a), SessionState::kClosed);
}

TEST_F(SessionTest, AWriteThatFailsBeforeACloseFrameIsTheEndToo) {
  MemoryClient &a = ConnectTo(Told()), &b = ConnectTo(Told()), &c = ConnectTo(Told());
  for (MemoryClient* client : {&a, &b, &c}) {
    client->stream.dead = true;
    engine_.Send(*client, "into the void");
  }
  engine_.Close(a, 1000);
  engine_.Receive(b, Masked(0x88, "\x03\xE8"));
  engine_.Receive(c, {0xFF, 0xFF});
  engine_.Round();
  EXPECT_EQ(engine_.TakeEvents(), (Events{"error ERR_FANWIRE_PROTOCOL", "close 1000 peer",
                                          "close 1002 protocol error 'invalid WebSocket frame'",
                                          "close 1000 application"}));
}

// A client that closes and goes at once: our answer fails, its word stands.
TEST_F(SessionTest, APeersCloseStandsWhenTheAnswerCannotBeWritten) {
  MemoryClient& a = ConnectTo(Told());
  a.stream.dead = true;
  ReceiveInARound(a, Masked(0x88,
                            "\x03\xE8"
                            "bye"));
  EXPECT_EQ(engine_.TakeEvents(), Events{"close 1000 peer 'bye'"});
}

// ---- the end, by us ----

TEST_F(SessionTest, WeCloseAndThePeerAnswers) {
  MemoryClient& a = ConnectTo(Told());
  engine_.Send(a, "last");
  engine_.Close(a, 4000, "done");
  engine_.Round();
  EXPECT_EQ(a.TakeSent(),
            "\x81\x04last\x88\x06\x0F\xA0"
            "done");
  EXPECT_FALSE(a.stream.closed);
  EXPECT_EQ(engine_.StateOf(a), SessionState::kClosing);
  ReceiveInARound(a, Masked(0x88, "\x0F\xA0"));
  EXPECT_EQ(a.TakeSent(), "");
  EXPECT_TRUE(a.stream.closed);
  EXPECT_EQ(engine_.TakeEvents(), Events{"close 4000 application clean 'done'"});
}

TEST_F(SessionTest, BothCloseAtOnce) {
  MemoryClient& a = ConnectTo(Told());
  engine_.Close(a, 1000);
  engine_.Receive(a, Masked(0x88, "\x03\xE9"));  // read first in the round
  engine_.Round();
  EXPECT_EQ(a.TakeSent(), "\x88\x02\x03\xE9");
  EXPECT_EQ(engine_.TakeEvents(), Events{"close 1001 peer clean"});

  MemoryClient& b = ConnectTo(Told());
  engine_.Close(b, 1000);
  engine_.Round();
  ReceiveInARound(b, Masked(0x88, "\x03\xE9"));
  EXPECT_EQ(b.TakeSent(), "\x88\x02\x03\xE8");
  EXPECT_EQ(engine_.TakeEvents(), Events{"close 1000 application clean"});
}

TEST_F(SessionTest, APeerThatDoesNotAnswerOurCloseIsLeftAfterTheTimeout) {
  MemoryClient& a = ConnectTo(Told());
  engine_.Close(a, 1000);
  engine_.Round();
  engine_.Advance(4'900);
  EXPECT_FALSE(a.stream.closed);
  engine_.Advance(200);
  EXPECT_TRUE(a.stream.closed);
  EXPECT_EQ(engine_.TakeEvents(), Events{"close 1000 application"});
}

TEST_F(SessionTest, APeerThatSendsOnAfterOurCloseIsNotHeard) {
  MemoryClient& a = ConnectTo(Told());
  engine_.Close(a, 1000);
  engine_.Round();
  a.TakeSent();
  ReceiveInARound(a, Join({Masked(0x81, "late"), Masked(0x89, "late ping")}));
  EXPECT_EQ(a.TakeSent(), "");
  EXPECT_TRUE(engine_.TakeEvents().empty());
  ReceiveInARound(a, Masked(0x88, ""));
  EXPECT_EQ(engine_.TakeEvents(), Events{"close 1000 application clean"});
}

TEST_F(SessionTest, NothingGoesOutBehindOurClose) {
  MemoryClient& a = ConnectTo(Told());
  engine_.Join(a, "room");
  engine_.Close(a, 1000);
  engine_.Round();
  EXPECT_EQ(a.TakeSent(), "\x88\x02\x03\xE8");
  EXPECT_EQ(engine_.Send(a, "late"), SendResult::kGone);
  engine_.Publish("room", "late");
  engine_.Broadcast("late");
  engine_.Round();
  EXPECT_EQ(a.TakeSent(), "");
}

TEST_F(SessionTest, ASecondCloseChangesNothing) {
  MemoryClient& a = ConnectTo(Told());
  engine_.Close(a, 1000, "first");
  engine_.Close(a, 4001, "second");
  engine_.Round();
  engine_.Close(a, 4002, "third");
  engine_.Round();
  ReceiveInARound(a, Masked(0x88, "\x03\xE8"));
  EXPECT_EQ(a.TakeSent(),
            "\x88\x07\x03\xE8"
            "first");
  EXPECT_EQ(engine_.TakeEvents(), Events{"close 1000 application clean 'first'"});
}

TEST_F(SessionTest, TerminateEndsAtOnceAndOnce) {
  MemoryClient& a = ConnectTo(Told());
  engine_.Post(a, CommandKind::kTerminate);
  engine_.Post(a, CommandKind::kTerminate);
  engine_.Round();
  EXPECT_TRUE(a.stream.closed);
  EXPECT_EQ(a.TakeSent(), "");
  EXPECT_EQ(engine_.TakeEvents(), Events{"close 1006 application"});
  engine_.Post(a, CommandKind::kTerminate);
  engine_.Close(a, 1000);
  engine_.Round();
  EXPECT_TRUE(engine_.TakeEvents().empty());
}

TEST_F(SessionTest, AnyRoomOfTheKernelGivesTheSameClose) {
  const std::string expected =
      "\x81\x05hello\x88\x06\x0F\xA0"
      "done";
  for (size_t room = 0; room <= expected.size(); room++) {
    for (size_t then = 1; then < 5; then++) {
      MemoryEngine engine;
      MemoryClient& a = engine.Connect(engine.AddEndpoint(Told()));
      a.stream.room = room;
      engine.Send(a, "hello");
      engine.Close(a, 4000, "done");
      engine.Round();
      for (int i = 0; i < 50 && a.stream.wants_writable; i++) {
        engine.MakeWritable(a, then);
        engine.Round();
      }
      ASSERT_EQ(a.TakeSent(), expected) << room;
      engine.Receive(a, Masked(0x88, "\x0F\xA0"));
      engine.Round();
      ASSERT_EQ(engine.TakeEvents(), Events{"close 4000 application clean 'done'"});
    }
  }
}

TEST_F(SessionTest, AClosedPeerOfABlockedSessionStillGetsItsAnswer) {
  for (size_t room = 0; room < 12; room++) {
    MemoryEngine engine;
    MemoryClient& a = engine.Connect(engine.AddEndpoint(Told()));
    a.stream.room = room;
    engine.Send(a, "hello");
    engine.Receive(a, Masked(0x88, "\x03\xE8"));
    engine.Round();
    for (int i = 0; i < 50 && a.stream.wants_writable; i++) engine.MakeWritable(a, 1);
    engine.Round();
    ASSERT_EQ(a.TakeSent(), "\x81\x05hello\x88\x02\x03\xE8") << room;
    ASSERT_EQ(engine.TakeEvents(), Events{"close 1000 peer clean"});
  }
}

// ---- the peer's faults ----

TEST_F(SessionTest, AFaultIsToldByACloseFrameAndTheRestIsDiscarded) {
  const struct {
    const char* what;
    Bytes wire;
    const char* code;
    const char* event;
  } kCases[] = {
      {"unmasked", FromHex("81 02 68 69"), "\x03\xEA",
       "close 1002 protocol error 'invalid WebSocket frame'"},
      {"RSV1", FromHex("C1 80 00 00 00 00"), "\x03\xEA",
       "close 1002 protocol error 'invalid WebSocket frame'"},
      {"opcode 3", FromHex("83 80 00 00 00 00"), "\x03\xEA",
       "close 1002 protocol error 'invalid WebSocket frame'"},
      {"opcode 11", FromHex("8B 80 00 00 00 00"), "\x03\xEA",
       "close 1002 protocol error 'invalid WebSocket frame'"},
      {"a fragmented ping", FromHex("09 80 00 00 00 00"), "\x03\xEA",
       "close 1002 protocol error 'invalid WebSocket frame'"},
      {"a ping of 126 bytes", FromHex("89 FE 00 7E 00 00 00 00"), "\x03\xEA",
       "close 1002 protocol error 'invalid WebSocket frame'"},
      {"a continuation of nothing", FromHex("80 80 00 00 00 00"), "\x03\xEA",
       "close 1002 protocol error 'invalid WebSocket frame'"},
      {"a length with the top bit", FromHex("82 FF 80 00 00 00 00 00 00 01 00 00 00 00"),
       "\x03\xEA", "close 1002 protocol error 'invalid WebSocket frame'"},
      {"2^62 bytes", FromHex("82 FF 40 00 00 00 00 00 00 00 00 00 00 00"), "\x03\xF1",
       "close 1009 too big 'the message is over maxMessageBytes'"},
      {"bad UTF-8", FromHex("81 82 00 00 00 00 C3 28"), "\x03\xEF",
       "close 1007 bad utf-8 'invalid UTF-8 in a text message'"},
      {"bad UTF-8 that is not over yet", FromHex("01 81 00 00 00 00 FF"), "\x03\xEF",
       "close 1007 bad utf-8 'invalid UTF-8 in a text message'"},
  };
  for (const auto& c : kCases) {
    MemoryEngine engine;
    MemoryClient& a = engine.Connect(engine.AddEndpoint(Told()));
    engine.Receive(a, Join({Masked(0x81, "good"), c.wire, Masked(0x81, "behind")}));
    engine.Round();
    const std::string sent = a.TakeSent();
    EXPECT_EQ(sent.substr(0, 1), "\x88") << c.what;
    EXPECT_EQ(sent.substr(2, 2), c.code) << c.what;
    EXPECT_EQ(sent.size(), 2u + uint8_t(sent[1])) << c.what;
    EXPECT_TRUE(a.stream.write_ended) << c.what;
    EXPECT_FALSE(a.stream.closed) << c.what;
    for (int i = 0; i < 100; i++) engine.Receive(a, Masked(0x81, std::string(1'000, 'x')));
    engine.Round();
    engine.Lose(a);
    engine.Round();
    EXPECT_EQ(engine.TakeEvents(), (Events{"text good", "error ERR_FANWIRE_PROTOCOL", c.event}))
        << c.what;
    EXPECT_EQ(engine.incomplete_bytes(), 0u);
  }
}

TEST_F(SessionTest, AFaultyPeerThatStaysIsLeftAfterTheCloseTimeout) {
  MemoryClient& a = ConnectTo(Told());
  ReceiveInARound(a, FromHex("FF FF"));
  engine_.Advance(4'900);
  EXPECT_FALSE(a.stream.closed);
  engine_.Advance(200);
  EXPECT_TRUE(a.stream.closed);
  EXPECT_EQ(engine_.TakeEvents().size(), 2u);
}

TEST_F(SessionTest, TheLimitIsOnTheMessageNotOnTheFrame) {
  EndpointOptions options = Told();
  options.max_message_bytes = 10;
  MemoryClient& a = ConnectTo(options);
  ReceiveInARound(a, Join({Masked(0x01, "12345"), Masked(0x80, "67890")}));
  EXPECT_EQ(engine_.TakeEvents(), Events{"text 1234567890"});
  ReceiveInARound(a, Join({Masked(0x01, "12345"), Masked(0x80, "678901")}));
  EXPECT_EQ(a.TakeSent().substr(2, 2), "\x03\xF1");
}

TEST_F(SessionTest, EndlessEmptyFragmentsAreAPolicyViolation) {
  MemoryClient& a = ConnectTo(Told());
  engine_.Receive(a, Masked(0x01, ""));
  Bytes fragments;
  for (int i = 0; i < 131'000; i++) {
    const uint8_t empty[] = {0x00, 0x80, 0, 0, 0, 0};
    fragments.insert(fragments.end(), empty, empty + 6);
  }
  ReceiveInARound(a, fragments);
  EXPECT_EQ(a.TakeSent().substr(2, 2), "\x03\xF0");
}

TEST_F(SessionTest, AFaultAfterOurCloseEndsTheSession) {
  MemoryClient& a = ConnectTo(Told());
  engine_.Close(a, 1000);
  engine_.Round();
  ReceiveInARound(a, FromHex("FF FF"));
  EXPECT_TRUE(a.stream.closed);
  const Events events = engine_.TakeEvents();
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back(), "close 1000 application");
  EXPECT_EQ(std::count_if(events.begin(), events.end(),
                          [](const auto& e) { return e.starts_with("close"); }),
            1);
}

// ---- the hub ----

TEST_F(SessionTest, LateCommandsOnARecycledIdReachNobody) {
  MemoryClient& old = ConnectTo(Told());
  engine_.Join(old, "room");
  engine_.Round();
  engine_.Lose(old);
  engine_.Post(old, CommandKind::kRelease);
  engine_.Round();
  MemoryClient& fresh = ConnectTo(Told());
  ASSERT_EQ(fresh.id.slot, old.id.slot);
  engine_.TakeEvents();
  EXPECT_EQ(engine_.Send(old, "late"), SendResult::kGone);
  EXPECT_EQ(engine_.Join(old, "room"), JoinResult::kGone);
  engine_.Close(old, 4000);
  engine_.Post(old, CommandKind::kTerminate);
  engine_.Post(old, CommandKind::kResume);
  engine_.Publish("room", "late");
  engine_.Round();
  EXPECT_EQ(fresh.TakeSent(), "");
  EXPECT_FALSE(fresh.stream.closed);
  EXPECT_TRUE(engine_.TakeEvents().empty());
  EXPECT_EQ(engine_.StateOf(fresh), SessionState::kOpen);
}

TEST_F(SessionTest, OneRoundMaySendBuryRecycleAndSendAgain) {
  MemoryClient& old = ConnectTo(EndpointOptions{});  // nobody is told: its slot is free at once
  engine_.Join(old, "room");
  engine_.Round();
  engine_.Publish("room", "for the old one");
  engine_.Send(old, "too");
  engine_.Broadcast("all");
  engine_.Post(old, CommandKind::kTerminate);
  Batch batch;
  engine_.mailbox().Take(batch);
  for (Command& command : batch.commands) engine_.hub().Execute(command, batch.bytes);
  MemoryClient& fresh = ConnectTo(EndpointOptions{});
  ASSERT_EQ(fresh.id.slot, old.id.slot);
  engine_.Send(fresh, "fresh");
  engine_.Round();
  EXPECT_EQ(fresh.TakeSent(), ServerText("fresh"));
  EXPECT_EQ(old.TakeSent(), "");
}

TEST_F(SessionTest, AMemberThatDiesInTheRoundOfItsMessageHarmsNobody) {
  std::vector<MemoryClient*> clients;
  const Endpoint& endpoint = engine_.AddEndpoint(Told());
  for (int i = 0; i < 10; i++) {
    clients.push_back(&engine_.Connect(endpoint));
    engine_.Join(*clients.back(), "room");
  }
  engine_.Round();
  for (int i = 0; i < 10; i += 2) clients[size_t(i)]->stream.dead = true;
  engine_.Publish("room", "1");
  engine_.Publish("room", "2", {clients[0]->id, clients[1]->id});
  engine_.Round();
  EXPECT_EQ(engine_.directory().Size(ChannelKind::kRoom, "room"), 5u);
  EXPECT_EQ(engine_.hub().session_count(), 5u);
  engine_.Publish("room", "3");
  engine_.Round();
  EXPECT_EQ(clients[1]->TakeSent(),
            "\x81\x01"
            "1\x81\x01"
            "3");
  EXPECT_EQ(clients[3]->TakeSent(),
            "\x81\x01"
            "1\x81\x01"
            "2\x81\x01"
            "3");
}

TEST_F(SessionTest, CloseAllAndTerminateAllReachEverybodyOnce) {
  const Endpoint& endpoint = engine_.AddEndpoint(Told());
  for (int i = 0; i < 5; i++) engine_.Connect(endpoint);
  engine_.hub().CloseAll(1001, "bye", CloseCause::kShutdown);
  engine_.Round();
  engine_.hub().TerminateAll(CloseCause::kShutdown);
  engine_.Round();
  const Events events = engine_.TakeEvents();
  EXPECT_EQ(events, Events(5, "close 1001 shutdown 'bye'"));
  EXPECT_EQ(engine_.hub().session_count(), 0u);
}

}  // namespace
}  // namespace fanwire
