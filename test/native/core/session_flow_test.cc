// A session under pressure: a client that does not read, an application that does not settle, time
// that passes.
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/session.h"
#include "test/native/core/memory_engine.h"

namespace fanwire {
namespace {

using test::Bytes;
using test::Join;
using test::Masked;
using test::MemoryClient;
using test::MemoryEngine;
using test::MemoryStream;
using test::ServerFrame;
using test::ServerText;
using Events = std::vector<std::string>;

EndpointOptions Told() {
  EndpointOptions options;
  options.deliver = options.close = true;
  options.ping_interval_ms = 0;
  return options;
}

EndpointOptions WithPolicy(OverflowPolicy policy, uint32_t max_buffered_bytes = 100) {
  EndpointOptions options = Told();
  options.overflow = policy;
  options.max_buffered_bytes = max_buffered_bytes;
  options.high_water_mark_bytes = max_buffered_bytes / 2;
  return options;
}

// The text messages in bytes that a server sent.
Events TextsIn(std::string_view sent) {
  Events texts;
  while (!sent.empty()) {
    EXPECT_EQ(sent[0], '\x81');
    const size_t size = FrameSizeAt(reinterpret_cast<const uint8_t*>(sent.data()), sent.size());
    EXPECT_LE(size, sent.size());
    const size_t header = FrameHeaderSize(size - 2 > 125 ? 126 : size - 2);
    texts.emplace_back(sent.substr(header, size - header));
    sent.remove_prefix(size);
  }
  return texts;
}

class SessionFlowTest : public testing::Test {
 protected:
  MemoryClient& ConnectTo(const EndpointOptions& options, uint8_t last_of_ip = 1) {
    return engine_.Connect(engine_.AddEndpoint(options), "/", 0, last_of_ip);
  }
  void ReceiveInARound(MemoryClient& client, const Bytes& wire) {
    engine_.Receive(client, wire);
    engine_.Round();
  }
  void SendInARound(MemoryClient& client, std::string_view text) {
    engine_.Send(client, text);
    engine_.Round();
  }

  MemoryEngine engine_;
};

// ---- a client that does not read ----

TEST_F(SessionFlowTest, BufferedBytesAreWhatTheKernelHasNotTaken) {
  MemoryClient& a = ConnectTo(Told());
  a.stream.room = 4;
  engine_.Send(a, "12345678");
  EXPECT_EQ(engine_.BufferedOf(a), 10u);
  engine_.Round();
  EXPECT_EQ(engine_.BufferedOf(a), 6u);
  EXPECT_EQ(engine_.counters().outbox_bytes.value(), 6u);
  engine_.MakeWritable(a, 1);
  EXPECT_EQ(engine_.BufferedOf(a), 5u);
  engine_.MakeWritable(a, MemoryStream::kEndless);
  EXPECT_EQ(engine_.BufferedOf(a), 0u);
  EXPECT_EQ(engine_.counters().outbox_bytes.value(), 0u);
  EXPECT_EQ(a.TakeSent(), ServerText("12345678"));
}

TEST_F(SessionFlowTest, NobodyWritesWhileTheKernelIsFull) {
  MemoryClient& a = ConnectTo(Told());
  engine_.Join(a, "room");
  a.stream.room = 0;
  SendInARound(a, "1");
  const int writes = a.stream.writes;
  for (int i = 0; i < 10; i++) {
    engine_.Publish("room", "more");
    ReceiveInARound(a, Masked(0x89, "ping"));
  }
  EXPECT_EQ(a.stream.writes, writes);
  EXPECT_TRUE(a.stream.wants_writable);
}

TEST_F(SessionFlowTest, OverTheMarkASendSaysSoAndOneDrainFollows) {
  EndpointOptions options = Told();
  options.high_water_mark_bytes = 20;
  MemoryClient& a = ConnectTo(options);
  a.stream.room = 0;
  EXPECT_EQ(engine_.Send(a, "12345678"), SendResult::kQueued);  // 10
  EXPECT_EQ(engine_.Send(a, "12345678"), SendResult::kQueued);  // 20: at the mark is not over it
  EXPECT_EQ(engine_.Send(a, "12345678"), SendResult::kQueuedHigh);  // 30
  EXPECT_EQ(engine_.Send(a, "12345678"), SendResult::kQueuedHigh);  // 40
  engine_.Round();
  EXPECT_TRUE(engine_.TakeEvents().empty());
  engine_.MakeWritable(a, 29);  // 11 are left
  EXPECT_TRUE(engine_.TakeEvents().empty());
  engine_.MakeWritable(a, 1);
  EXPECT_EQ(engine_.TakeEvents(), Events{"drain"});
  engine_.MakeWritable(a, MemoryStream::kEndless);
  EXPECT_TRUE(engine_.TakeEvents().empty());
  engine_.Send(a, "12345678");
  engine_.Round();
  EXPECT_TRUE(engine_.TakeEvents().empty());
}

TEST_F(SessionFlowTest, ADrainFollowsAlsoWhenAllLeavesInOneRound) {
  EndpointOptions options = Told();
  options.high_water_mark_bytes = 20;
  MemoryClient& a = ConnectTo(options);
  for (int i = 0; i < 3; i++) engine_.Send(a, "12345678");
  engine_.Round();
  EXPECT_EQ(engine_.TakeEvents(), Events{"drain"});
}

TEST_F(SessionFlowTest, ASlowClientIsClosedBeyondItsLimit) {
  MemoryClient& a = ConnectTo(WithPolicy(OverflowPolicy::kClose));
  engine_.Join(a, "room");
  a.stream.room = 5;
  for (int i = 0; i < 9; i++) {
    engine_.Publish("room", "12345678");
    engine_.Round();
  }
  EXPECT_FALSE(a.stream.closed);
  EXPECT_LE(engine_.counters().outbox_bytes.value(), 100u);
  for (int i = 0; i < 5; i++) {
    engine_.Publish("room", "12345678");
    engine_.Round();
  }
  EXPECT_TRUE(a.stream.closed);
  EXPECT_EQ(engine_.TakeEvents(), Events{"close 1013 slow client"});
  EXPECT_EQ(engine_.counters().outbox_bytes.value(), 0u);
  EXPECT_EQ(engine_.directory().Size(ChannelKind::kRoom, "room"), 0u);
}

TEST_F(SessionFlowTest, ASlowClientHoldsNoMoreThanItsLimitUnderEveryPolicy) {
  for (const OverflowPolicy policy : {OverflowPolicy::kClose, OverflowPolicy::kDropOldest,
                                      OverflowPolicy::kDropNewest, OverflowPolicy::kKeepLatest}) {
    MemoryEngine engine;
    MemoryClient& a = engine.Connect(engine.AddEndpoint(WithPolicy(policy, 10'000)));
    engine.Join(a, "room");
    engine.Round();
    a.stream.room = 3;
    for (int i = 0; i < 2'000; i++) {
      engine.Publish(
          "room", MemoryEngine::Text(std::string(size_t(i % 300), 'x'), i % 2 == 0 ? "key" : ""));
      if (i % 7 == 0) engine.Send(a, std::string(50, 's'));
      engine.Round();
      ASSERT_LE(engine.counters().outbox_bytes.value(), 10'000u);
      ASSERT_LE(engine.BufferedOf(a), 10'100u);
    }
  }
}

TEST_F(SessionFlowTest, DropOldestKeepsTheNewestWholeMessages) {
  MemoryClient& a = ConnectTo(WithPolicy(OverflowPolicy::kDropOldest));
  a.stream.room = 5;  // the first one has begun: it stays
  for (int i = 10; i < 60; i++) engine_.Send(a, "message " + std::to_string(i));
  engine_.Round();
  const uint64_t dropped = engine_.counters().dropped.value();
  EXPECT_GT(dropped, 30u);
  engine_.MakeWritable(a, MemoryStream::kEndless);
  const Events texts = TextsIn(a.TakeSent());
  EXPECT_EQ(texts.size(), 50 - dropped);
  EXPECT_EQ(texts.front(), "message 10");
  for (size_t i = 1; i < texts.size(); i++)
    EXPECT_EQ(texts[i], "message " + std::to_string(60 - texts.size() + i));
  EXPECT_EQ(engine_.BufferedOf(a), 0u);
}

TEST_F(SessionFlowTest, DropNewestKeepsTheOldest) {
  MemoryClient& a = ConnectTo(WithPolicy(OverflowPolicy::kDropNewest));
  a.stream.room = 5;
  for (int i = 10; i < 60; i++) engine_.Send(a, "message " + std::to_string(i));
  engine_.Round();
  engine_.MakeWritable(a, MemoryStream::kEndless);
  const Events texts = TextsIn(a.TakeSent());
  for (size_t i = 0; i < texts.size(); i++)
    EXPECT_EQ(texts[i], "message " + std::to_string(10 + i));
  EXPECT_EQ(texts.size(), 50 - engine_.counters().dropped.value());
  EXPECT_EQ(engine_.BufferedOf(a), 0u);
}

TEST_F(SessionFlowTest, AMessageThatNeverFitsTakesNobodyElsesPlace) {
  for (const OverflowPolicy policy : {OverflowPolicy::kDropOldest, OverflowPolicy::kKeepLatest}) {
    MemoryEngine engine;
    MemoryClient& a = engine.Connect(engine.AddEndpoint(WithPolicy(policy)));
    a.stream.room = 0;
    engine.Send(a, "one");
    engine.Send(a, "two");
    engine.Send(a, std::string(101, 'x'));
    engine.Send(a, "three");
    engine.Round();
    engine.MakeWritable(a, MemoryStream::kEndless);
    EXPECT_EQ(TextsIn(a.TakeSent()), (Events{"one", "two", "three"}));
    EXPECT_EQ(engine.BufferedOf(a), 0u);
  }
}

TEST_F(SessionFlowTest, KeepLatestKeepsOneOfEachKeyAndAllWithout) {
  MemoryClient& a = ConnectTo(WithPolicy(OverflowPolicy::kKeepLatest, 1'000));
  engine_.Join(a, "room");
  a.stream.room = 0;
  engine_.Send(a, "plain 1");
  for (int i = 0; i < 10; i++) {
    engine_.Publish("room", MemoryEngine::Text("a" + std::to_string(i), "a"));
    engine_.Send(a, MemoryEngine::Text("b" + std::to_string(i), "b"));
  }
  engine_.Send(a, "plain 2");
  engine_.Round();
  engine_.Publish("room", MemoryEngine::Text("a latest", "a"));
  engine_.Round();
  engine_.MakeWritable(a, MemoryStream::kEndless);
  // The very first frame is the kernel's affair once it was tried; it has no key here.
  EXPECT_EQ(TextsIn(a.TakeSent()), (Events{"plain 1", "b9", "plain 2", "a latest"}));
  EXPECT_EQ(engine_.counters().dropped.value(), 19u);
  EXPECT_EQ(engine_.BufferedOf(a), 0u);
  EXPECT_EQ(engine_.counters().outbox_bytes.value(), 0u);
}

TEST_F(SessionFlowTest, AnyRoomOfTheKernelLeavesWholeFramesUnderEveryPolicy) {
  for (const OverflowPolicy policy :
       {OverflowPolicy::kDropOldest, OverflowPolicy::kDropNewest, OverflowPolicy::kKeepLatest}) {
    for (size_t room = 0; room < 130; room++) {
      MemoryEngine engine;
      MemoryClient& a = engine.Connect(engine.AddEndpoint(WithPolicy(policy)));
      engine.Join(a, "room");
      engine.Round();
      a.stream.room = room;
      for (int i = 0; i < 20; i++) {
        engine.Publish("room", "room " + std::to_string(i));
        engine.Publish("room",
                       MemoryEngine::Text("key " + std::to_string(i), "k" + std::to_string(i % 2)));
        engine.Send(a, "send " + std::to_string(i));
        if (i % 5 == 4) engine.Round();
        if (i == 9) engine.MakeWritable(a, room % 17);
      }
      engine.MakeWritable(a, MemoryStream::kEndless);
      engine.Round();
      const Events texts = TextsIn(a.TakeSent());
      ASSERT_EQ(texts.size() + engine.counters().dropped.value(), 60u);
      ASSERT_EQ(engine.BufferedOf(a), 0u);
      ASSERT_EQ(engine.counters().outbox_bytes.value(), 0u);
    }
  }
}

// The kernel may have got room since it last said that it is full: it is asked before a policy
// strikes.
TEST_F(SessionFlowTest, AWriteIsTriedBeforeAPolicyStrikesAndKeepsTheOrder) {
  for (const OverflowPolicy policy : {OverflowPolicy::kClose, OverflowPolicy::kDropOldest,
                                      OverflowPolicy::kDropNewest, OverflowPolicy::kKeepLatest}) {
    for (const size_t room : {size_t{0}, size_t{30}, size_t{95}, MemoryStream::kEndless}) {
      MemoryEngine engine;
      MemoryClient& a = engine.Connect(engine.AddEndpoint(WithPolicy(policy)));
      a.stream.room = 0;
      Events expected;
      const auto send = [&](const std::string& text) {
        engine.Send(a, text);
        expected.push_back(text);
      };
      for (int i = 0; i < 9; i++) send("filling" + std::to_string(i));  // 90 of 100 bytes
      engine.Round();
      a.stream.room = room;  // but nobody has told the session yet
      send("one too many 1");
      send("one too many 2");
      engine.Round();
      send("one too many 3");
      engine.Round();
      engine.MakeWritable(a, MemoryStream::kEndless);
      send("afterwards");
      engine.Round();
      engine.MakeWritable(a, MemoryStream::kEndless);
      if (room != MemoryStream::kEndless) continue;  // then only that nothing breaks
      ASSERT_EQ(TextsIn(a.TakeSent()), expected) << int(policy);
      EXPECT_EQ(engine.BufferedOf(a), 0u);
      EXPECT_FALSE(a.stream.closed);
    }
  }
}

TEST_F(SessionFlowTest, AVolatileMessageIsNotForABlockedClient) {
  MemoryClient& a = ConnectTo(Told());
  engine_.Join(a, "room");
  engine_.Publish("room", MemoryEngine::Text("1", "", true));
  engine_.Round();
  EXPECT_EQ(a.TakeSent(), ServerText("1"));
  a.stream.room = 1;
  engine_.Send(a, "half");
  engine_.Publish("room", MemoryEngine::Text("2", "", true));
  engine_.Send(a, MemoryEngine::Text("3", "", true));
  engine_.Round();
  engine_.Publish("room", MemoryEngine::Text("4", "", true));
  engine_.Round();
  engine_.MakeWritable(a, MemoryStream::kEndless);
  EXPECT_EQ(a.TakeSent(), ServerText("half"));
  EXPECT_EQ(engine_.counters().dropped.value(), 3u);
  EXPECT_EQ(engine_.BufferedOf(a), 0u);
}

TEST_F(SessionFlowTest, AVolatileMessageThatHasBegunIsFinished) {
  MemoryClient& a = ConnectTo(Told());
  a.stream.room = 2;
  engine_.Send(a, MemoryEngine::Text("begun", "", true));
  engine_.Round();
  engine_.MakeWritable(a, MemoryStream::kEndless);
  EXPECT_EQ(a.TakeSent(), ServerText("begun"));
}

TEST_F(SessionFlowTest, APongGoesBetweenFramesAndNeverIntoOne) {
  for (size_t room = 0; room < 30; room++) {
    for (size_t then = 1; then < 8; then++) {
      MemoryEngine engine;
      MemoryClient& a =
          engine.Connect(engine.AddEndpoint(WithPolicy(OverflowPolicy::kDropNewest, 1'000)));
      a.stream.room = room;
      engine.Send(a, "one");
      engine.Round();
      engine.Receive(a, Masked(0x89, "p1"));
      engine.Send(a, "two");
      engine.Round();
      engine.Receive(a, Masked(0x89, "p2"));
      engine.Send(a, "three");
      engine.Round();
      for (int i = 0; i < 100 && a.stream.wants_writable; i++) engine.MakeWritable(a, then);
      const std::string sent = a.TakeSent();
      Events frames;
      for (size_t at = 0; at < sent.size();) {
        const size_t size =
            FrameSizeAt(reinterpret_cast<const uint8_t*>(sent.data()) + at, sent.size() - at);
        ASSERT_LE(at + size, sent.size());
        frames.push_back((sent[at] == '\x8A' ? "pong " : "text ") + sent.substr(at + 2, size - 2));
        at += size;
      }
      Events texts, pongs;
      for (const std::string& frame : frames)
        (frame.starts_with("text") ? texts : pongs).push_back(frame);
      ASSERT_EQ(texts, (Events{"text one", "text two", "text three"})) << room << ", " << then;
      ASSERT_FALSE(pongs.empty());
      ASSERT_EQ(pongs.back(), "pong p2");  // the latest is always answered
      ASSERT_EQ(engine.BufferedOf(a), 0u);
      ASSERT_EQ(engine.counters().outbox_bytes.value(), 0u);
    }
  }
}

TEST_F(SessionFlowTest, APongOvertakesALongOutbox) {
  MemoryClient& a = ConnectTo(Told());
  a.stream.room = 0;
  for (int i = 0; i < 10; i++) SendInARound(a, std::string(50'000, 'x'));
  ReceiveInARound(a, Masked(0x89, "p"));
  engine_.MakeWritable(a, 60'000);
  EXPECT_NE(a.TakeSent().find("\x8A\x01p"), std::string::npos);
}

TEST_F(SessionFlowTest, TheSendDeadlineFiresWithoutAnotherSend) {
  MemoryClient& a = ConnectTo(Told());
  a.stream.room = 1;
  SendInARound(a, "stuck");
  engine_.Advance(9'900);
  EXPECT_FALSE(a.stream.closed);
  engine_.Advance(200);
  EXPECT_TRUE(a.stream.closed);
  EXPECT_EQ(engine_.TakeEvents(), Events{"close 1013 send timeout"});
  EXPECT_EQ(engine_.counters().outbox_bytes.value(), 0u);
}

TEST_F(SessionFlowTest, ProgressMovesTheSendDeadline) {
  MemoryClient& a = ConnectTo(Told());
  a.stream.room = 0;
  SendInARound(a, std::string(100, 'x'));
  for (int i = 0; i < 5; i++) {
    engine_.Advance(9'000);
    engine_.MakeWritable(a, 1);
  }
  EXPECT_FALSE(a.stream.closed);
  engine_.MakeWritable(a, MemoryStream::kEndless);
  engine_.Advance(60'000);
  EXPECT_FALSE(a.stream.closed);
  a.stream.room = 0;
  SendInARound(a, "again");
  engine_.Advance(10'100);
  EXPECT_TRUE(a.stream.closed);
}

TEST_F(SessionFlowTest, AClientThatReadsNothingOfOurCloseIsLeftAfterTheTimeout) {
  MemoryClient& a = ConnectTo(Told());
  a.stream.room = 0;
  SendInARound(a, "stuck");
  engine_.Close(a, 1000);
  engine_.Round();
  engine_.Advance(5'100);
  EXPECT_TRUE(a.stream.closed);
  EXPECT_EQ(engine_.TakeEvents(), Events{"close 1000 application"});
}

// ---- pings ----

TEST_F(SessionFlowTest, ASilentClientIsPingedAndThenGivenUp) {
  EndpointOptions options = Told();
  options.ping_interval_ms = 25'000;
  options.pong_timeout_ms = 20'000;
  MemoryClient& a = ConnectTo(options);
  engine_.Advance(24'900);
  EXPECT_EQ(a.TakeSent(), "");
  engine_.Advance(200);
  EXPECT_EQ(a.TakeSent(), std::string("\x89\x00", 2));
  engine_.Advance(19'800);
  EXPECT_FALSE(a.stream.closed);
  engine_.Advance(300);
  EXPECT_TRUE(a.stream.closed);
  EXPECT_EQ(engine_.TakeEvents(), Events{"close 1006 pong timeout"});
}

TEST_F(SessionFlowTest, AnyByteIsASignOfLife) {
  EndpointOptions options = Told();
  options.ping_interval_ms = 25'000;
  MemoryClient& a = ConnectTo(options);
  engine_.Advance(20'000);
  engine_.Receive(a, {0x81});
  engine_.Advance(24'000);
  EXPECT_EQ(a.TakeSent(), "");
  engine_.Advance(1'200);
  EXPECT_EQ(a.TakeSent(), std::string("\x89\x00", 2));
}

TEST_F(SessionFlowTest, AClientThatAnswersIsPingedForever) {
  for (const uint32_t pong_timeout_ms : {5'000u, 20'000u, 60'000u}) {
    MemoryEngine engine;
    EndpointOptions options = Told();
    options.ping_interval_ms = 10'000;
    options.pong_timeout_ms = pong_timeout_ms;
    MemoryClient& a = engine.Connect(engine.AddEndpoint(options));
    int pings = 0;
    for (int second = 0; second < 300; second++) {
      engine.Advance(1'000);
      if (a.TakeSent().empty()) continue;
      pings++;
      engine.Receive(a, Masked(0x8A, ""));
    }
    EXPECT_FALSE(a.stream.closed);
    EXPECT_GE(pings, 26) << pong_timeout_ms;
  }
}

TEST_F(SessionFlowTest, AClientThatVanishesIsGoneAfterIntervalAndTimeoutAlsoIfTheTimeoutIsLong) {
  EndpointOptions options = Told();
  options.ping_interval_ms = 10'000;
  options.pong_timeout_ms = 60'000;
  MemoryClient& a = ConnectTo(options);
  engine_.Advance(10'100);
  EXPECT_EQ(a.TakeSent(), std::string("\x89\x00", 2));
  ReceiveInARound(a, Masked(0x8A, ""));  // the last that is heard of it
  engine_.Advance(10'100);
  EXPECT_EQ(a.TakeSent(), std::string("\x89\x00", 2));
  engine_.Advance(60'000);
  EXPECT_TRUE(a.stream.closed);
}

TEST_F(SessionFlowTest, ABusyClientIsNotPinged) {
  EndpointOptions options = Told();
  options.ping_interval_ms = 10'000;
  MemoryClient& a = ConnectTo(options);
  for (int i = 0; i < 20; i++) {
    engine_.Advance(9'000);
    engine_.Receive(a, Masked(0x8A, ""));
  }
  EXPECT_EQ(a.TakeSent(), "");
  EXPECT_EQ(engine_.counters().pings.value(), 0u);
}

// ---- an application that does not settle ----

TEST_F(SessionFlowTest, CreditEndsAfterSixteenMessagesAndComesBackWithSettling) {
  MemoryClient& a = ConnectTo(Told());
  Bytes wire;
  for (int i = 0; i < 20; i++) wire = Join({wire, Masked(0x81, std::to_string(i))});
  ReceiveInARound(a, wire);
  EXPECT_EQ(engine_.TakeEvents().size(), kCreditMessages);
  EXPECT_TRUE(a.stream.reading);
  engine_.Settle(a, 1);
  engine_.Settle(a, 1);
  engine_.Round();
  EXPECT_EQ(engine_.TakeEvents(), (Events{"text 16", "text 17"}));
}

TEST_F(SessionFlowTest, ReadingPausesWhenTheQueueIsFullAndResumesAfterSettling) {
  MemoryClient& a = ConnectTo(Told());
  std::vector<std::string> expected, told;
  for (int i = 0; i < 1'000; i++) {
    const std::string text = "message " + std::to_string(i) + std::string(size_t(i % 100), '.');
    expected.push_back("text " + text);
  }
  size_t next = 0;
  while (a.stream.reading) {
    ASSERT_LT(next, expected.size());
    engine_.Receive(a, Masked(0x81, expected[next++].substr(5)));
  }
  EXPECT_GT(next, kCreditMessages);
  engine_.Round();
  while (told.size() < expected.size()) {
    const Events events = engine_.TakeEvents();
    ASSERT_FALSE(events.empty()) << told.size();
    for (const std::string& event : events) {
      told.push_back(event);
      engine_.Settle(a, uint32_t(event.size() - 5));
    }
    engine_.Round();
    while (a.stream.reading && next < expected.size())
      engine_.Receive(a, Masked(0x81, expected[next++].substr(5)));
  }
  EXPECT_EQ(told, expected);
  EXPECT_TRUE(a.stream.reading);
}

TEST_F(SessionFlowTest, WhatOneReadBroughtBeyondThePauseIsKeptInOrder) {
  MemoryClient& a = ConnectTo(Told());
  Bytes wire;
  Events expected, told;
  for (int i = 0; i < 2'000; i++) {
    const Bytes frame = Masked(0x81, std::to_string(i));
    wire.insert(wire.end(), frame.begin(), frame.end());
    expected.push_back("text " + std::to_string(i));
  }
  const Bytes ping = Masked(0x89, "end");
  wire.insert(wire.end(), ping.begin(), ping.end());
  ReceiveInARound(a, wire);
  EXPECT_FALSE(a.stream.reading);
  for (int round = 0; round < 400 && told.size() < expected.size(); round++) {
    for (const std::string& event : engine_.TakeEvents()) {
      told.push_back(event);
      engine_.Settle(a, uint32_t(event.size() - 5));
    }
    engine_.Round();
  }
  EXPECT_EQ(told, expected);
  EXPECT_TRUE(a.stream.reading);
  EXPECT_EQ(a.TakeSent(),
            "\x8A\x03"
            "end");
}

TEST_F(SessionFlowTest, ControlFramesAreAnsweredWhileTheApplicationIsSlow) {
  MemoryClient& a = ConnectTo(Told());
  for (int i = 0; i < 50; i++) engine_.Receive(a, Masked(0x81, "x"));
  ReceiveInARound(a, Masked(0x89, "p"));
  EXPECT_EQ(a.TakeSent(), "\x8A\x01p");
}

TEST_F(SessionFlowTest, ASlowApplicationNeverMakesAHealthyClientLookDead) {
  EndpointOptions options = Told();
  options.ping_interval_ms = 10'000;
  options.pong_timeout_ms = 5'000;
  MemoryClient& a = ConnectTo(options);
  engine_.Advance(10'100);
  EXPECT_EQ(a.TakeSent(), std::string("\x89\x00", 2));  // its pong will be behind the messages
  while (a.stream.reading) engine_.Receive(a, Masked(0x81, std::string(1'000, 'x')));
  engine_.Advance(300'000);
  EXPECT_FALSE(a.stream.closed);
  for (int round = 0; round < 100 && !a.stream.reading; round++) {
    for (const std::string& event : engine_.TakeEvents()) {
      if (event.starts_with("text")) engine_.Settle(a, uint32_t(event.size() - 5));
    }
    engine_.Round();
  }
  EXPECT_TRUE(a.stream.reading);
  engine_.Advance(4'000);
  EXPECT_FALSE(a.stream.closed);  // its deadlines began anew
  a.TakeSent();
  engine_.Advance(20'000);
  EXPECT_TRUE(a.stream.closed);  // and they do end
}

TEST_F(SessionFlowTest, MessagesThatCameBeforeAFinAreToldBeforeTheClose) {
  MemoryClient& a = ConnectTo(Told());
  for (int i = 0; i < 40; i++) engine_.Receive(a, Masked(0x81, std::to_string(i)));
  engine_.Lose(a);
  engine_.Round();
  Events told;
  for (int round = 0; round < 60; round++) {
    for (const std::string& event : engine_.TakeEvents()) {
      told.push_back(event);
      if (event.starts_with("text")) engine_.Settle(a, uint32_t(event.size() - 5));
    }
    engine_.Round();
  }
  ASSERT_EQ(told.size(), 41u);
  for (int i = 0; i < 40; i++) EXPECT_EQ(told[size_t(i)], "text " + std::to_string(i));
  EXPECT_EQ(told.back(), "close 1006 lost");
  EXPECT_EQ(engine_.hub().session_count(), 0u);
}

// Far more in one read than queue and credit hold, then the end.
TEST_F(SessionFlowTest, WhatWasReadBeyondThePauseIsToldBeforeTheClose) {
  for (const bool with_close_frame : {false, true}) {
    MemoryEngine engine;
    MemoryClient& a = engine.Connect(engine.AddEndpoint(Told()));
    Bytes wire;
    for (int i = 0; i < 1'000; i++) {
      const Bytes frame = Masked(0x81, std::to_string(i));
      wire.insert(wire.end(), frame.begin(), frame.end());
    }
    if (with_close_frame)
      wire = Join({wire, Masked(0x88,
                                "\x03\xE8"
                                "bye")});
    engine.Receive(a, wire);
    engine.Round();
    engine.Lose(a);
    engine.Round();
    Events told;
    for (int round = 0; round < 1'100; round++) {
      for (const std::string& event : engine.TakeEvents()) {
        told.push_back(event);
        if (event.starts_with("text")) engine.Settle(a, uint32_t(event.size() - 5));
      }
      engine.Round();
    }
    ASSERT_EQ(told.size(), 1'001u);
    for (int i = 0; i < 1'000; i++) EXPECT_EQ(told[size_t(i)], "text " + std::to_string(i));
    EXPECT_EQ(told.back(), with_close_frame ? "close 1000 peer 'bye'" : "close 1006 lost");
    EXPECT_EQ(engine.hub().session_count(), 0u);
  }
}

TEST_F(SessionFlowTest, AClosedSessionThatWaitsIsEndedByTheApplicationsClose) {
  MemoryClient& a = ConnectTo(Told());
  for (int i = 0; i < 40; i++) engine_.Receive(a, Masked(0x81, "x"));
  engine_.Lose(a);
  engine_.Round();
  EXPECT_EQ(engine_.TakeEvents().size(), kCreditMessages);
  engine_.Close(a, 1011);
  engine_.Round();
  EXPECT_EQ(engine_.TakeEvents(), Events{"close 1006 lost"});
  for (uint32_t i = 0; i < kCreditMessages; i++) engine_.Settle(a, 1);
  engine_.Round();
  EXPECT_TRUE(engine_.TakeEvents().empty());
  EXPECT_EQ(engine_.hub().session_count(), 0u);
}

TEST_F(SessionFlowTest, OurCloseDropsWhatWaitsAndReadsOnForTheAnswer) {
  MemoryClient& a = ConnectTo(Told());
  while (a.stream.reading) engine_.Receive(a, Masked(0x81, std::string(1'000, 'x')));
  engine_.Close(a, 1000);
  engine_.Round();
  EXPECT_EQ(engine_.TakeEvents().size(), kCreditMessages);
  EXPECT_TRUE(a.stream.reading);
  ReceiveInARound(a, Masked(0x88, "\x03\xE8"));
  EXPECT_EQ(engine_.TakeEvents(), Events{"close 1000 application clean"});
}

TEST_F(SessionFlowTest, NothingWaitsAfterTheApplicationGaveUpOnAClosedSession) {
  MemoryClient& a = ConnectTo(Told());
  for (int i = 0; i < 40; i++) engine_.Receive(a, Masked(0x81, "x"));
  engine_.Lose(a);
  engine_.Round();
  engine_.Post(a, CommandKind::kTerminate);
  engine_.Advance(60'000);
  Events events = engine_.TakeEvents();
  EXPECT_EQ(std::count(events.begin(), events.end(), "close 1006 lost"), 1);
}

// A session that waits for the application after its stream has gone is not in time's way.
TEST_F(SessionFlowTest, TimePassesOverASessionWhoseStreamHasGone) {
  EndpointOptions options = Told();
  options.ping_interval_ms = 10'000;
  MemoryClient& a = ConnectTo(options);
  for (int i = 0; i < 40; i++) engine_.Receive(a, Masked(0x81, "x"));
  engine_.Receive(a, Masked(0x01, "never finished"));
  engine_.Lose(a);
  engine_.Round();
  engine_.TakeEvents();
  engine_.Advance(200'000);
  EXPECT_TRUE(engine_.TakeEvents().empty());
  EXPECT_EQ(engine_.incomplete_bytes(), 0u);
  EXPECT_EQ(engine_.hub().session_count(), 1u);
}

// Credit that comes back just while a message is being put into the queue must not leave reading
// paused for ever.
TEST_F(SessionFlowTest, SettlingOnAnotherThreadNeverLeavesReadingPaused) {
  MemoryClient& a = ConnectTo(Told());
  SessionRecord& record = engine_.RecordOf(a);
  const uint32_t size = kCreditBytes;  // one of them takes all credit and fills the queue
  const Bytes wire = Masked(0x82, std::string(size, 'b'));
  std::atomic<int> told{0}, settled{0};
  std::atomic<bool> stop{false}, wake{false};
  std::thread application([&] {
    while (!stop) {
      if (settled.load() == told.load()) {
        std::this_thread::yield();
        continue;
      }
      // At ever another moment of the next message's way in.
      for (int spin = settled.load() % 97 * 40; spin > 0; spin--) static_cast<void>(stop.load());
      if (record.Settle(1, size)) wake = true;
      settled++;
    }
  });
  int received = 0;
  for (int i = 0; i < 3'000 && a.stream.reading; i++) {
    for (int k = 0; k < 2; k++) {
      engine_.Receive(a, wire);
      received++;
      told += int(engine_.TakeEvents().size());
    }
    // Until all that was told has settled and every wake-up has been followed.
    for (bool quiet = false; !quiet || wake;) {
      quiet = settled.load() == told.load();
      if (!wake.exchange(false)) {
        std::this_thread::yield();
        continue;
      }
      engine_.Post(a, CommandKind::kResume);
      engine_.Round();
      told += int(engine_.TakeEvents().size());
      quiet = false;
    }
  }
  stop = true;
  application.join();
  EXPECT_TRUE(a.stream.reading);
  EXPECT_EQ(told, received);
}

// ---- incomplete messages ----

TEST_F(SessionFlowTest, AnIncompleteMessageHasThirtySeconds) {
  MemoryClient& a = ConnectTo(Told());
  engine_.Receive(a, Masked(0x01, "begun"));
  engine_.Advance(15'000);
  engine_.Receive(a, Masked(0x00, "and going on"));
  engine_.Advance(14'900);
  EXPECT_FALSE(a.stream.write_ended);
  engine_.Advance(200);
  EXPECT_EQ(a.TakeSent().substr(2, 2), "\x03\xF0");
  EXPECT_TRUE(a.stream.write_ended);
  engine_.Lose(a);
  const Events events = engine_.TakeEvents();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_TRUE(events[1].starts_with("close 1008 message timeout"));
  engine_.Round();
  EXPECT_EQ(engine_.incomplete_bytes(), 0u);
}

TEST_F(SessionFlowTest, ACompletedMessageHasNoDeadline) {
  MemoryClient& a = ConnectTo(Told());
  engine_.Receive(a, Masked(0x01, "begun"));
  engine_.Advance(29'000);
  engine_.Receive(a, Masked(0x80, "ended"));
  engine_.Advance(60'000);
  EXPECT_FALSE(a.stream.write_ended);
}

// An upload of message after message, where no read ever ends between two: each has its own thirty
// seconds.
TEST_F(SessionFlowTest, EachMessageHasItsOwnDeadline) {
  MemoryClient& a = ConnectTo(Told());
  engine_.Receive(a, Masked(0x01, "begin "));
  for (int i = 0; i < 12; i++) {
    engine_.Advance(10'000);
    engine_.Receive(a, Join({Masked(0x80, "end"), Masked(0x01, "begin ")}));
    for (const std::string& event : engine_.TakeEvents())
      engine_.Settle(a, uint32_t(event.size() - 5));
  }
  EXPECT_FALSE(a.stream.write_ended);
  EXPECT_EQ(a.TakeSent(), "");
  engine_.Advance(30'100);
  EXPECT_TRUE(a.stream.write_ended);
}

TEST_F(SessionFlowTest, IncompleteBytesAreGivenBack) {
  MemoryClient &a = ConnectTo(Told()), &b = ConnectTo(Told());
  engine_.Receive(a, Masked(0x01, std::string(5'000, 'x')));
  engine_.Receive(b, Masked(0x01, std::string(5'000, 'x')));
  EXPECT_GE(engine_.incomplete_bytes(), 10'000u);
  engine_.Receive(a, Masked(0x80, ""));
  EXPECT_LT(engine_.incomplete_bytes(), 10'000u);
  engine_.Lose(b);
  EXPECT_EQ(engine_.incomplete_bytes(), 0u);
}

class IncompleteLimitTest : public testing::Test {
 protected:
  static EngineOptions Limited() {
    EngineOptions options;
    options.max_incomplete_bytes = 100'000;
    return options;
  }
  // `bytes` of a message that goes on.
  void Hold(MemoryClient& client, size_t bytes) {
    const bool first = begun_.insert(client.id.slot).second;
    engine_.Receive(client, Masked(first ? 0x02 : 0x00, std::string(bytes, 'x')));
  }
  MemoryClient& Connect(uint8_t last_of_ip) {
    return engine_.Connect(endpoint_, "/", 0, last_of_ip);
  }

  std::set<uint32_t> begun_;
  MemoryEngine engine_{Limited()};
  const Endpoint& endpoint_ = engine_.AddEndpoint(Told());
};

TEST_F(IncompleteLimitTest, TheBiggestHolderOfTheBiggestAddressGoes) {
  MemoryClient &alone = Connect(1), &one = Connect(2), &two = Connect(2), &small = Connect(3);
  Hold(alone, 30'000);
  Hold(one, 20'000);
  Hold(two, 25'000);
  EXPECT_FALSE(two.stream.closed);
  Hold(small, 60'000 - 35'000 + 1'000);
  EXPECT_TRUE(two.stream.closed);
  EXPECT_FALSE(alone.stream.closed || one.stream.closed || small.stream.closed);
  engine_.Round();
  EXPECT_EQ(engine_.TakeEvents(), Events{"close 1006 incomplete"});
  EXPECT_LE(engine_.incomplete_bytes(), 100'000u);
}

TEST_F(IncompleteLimitTest, OnlyAsManyGoAsMustAlsoWithinOneRound) {
  std::vector<MemoryClient*> clients;
  for (uint8_t i = 0; i < 6; i++) {
    clients.push_back(&Connect(i));
    Hold(*clients.back(), 13'000u + i);
  }
  Hold(*clients[0], 25'000);  // now it is the biggest, and over the limit
  EXPECT_TRUE(clients[0]->stream.closed);
  for (size_t i = 1; i < 6; i++) Hold(*clients[i], 1'000);
  for (size_t i = 1; i < 6; i++) EXPECT_FALSE(clients[i]->stream.closed) << i;
  EXPECT_LE(engine_.incomplete_bytes(), 100'000u);
  engine_.Round();
  EXPECT_LE(engine_.incomplete_bytes(), 100'000u);
}

TEST_F(IncompleteLimitTest, AHolderOnAnotherReactorGoesBeforeASmallOne) {
  MemoryEngine engine(Limited(), 2);
  const Endpoint& endpoint = engine.AddEndpoint(Told());
  MemoryClient &big = engine.Connect(endpoint, "/", 0), &small = engine.Connect(endpoint, "/", 1);
  engine.Receive(big, Masked(0x02, std::string(99'000, 'x')));
  engine.Receive(small, Masked(0x02, std::string(2'000, 'x')));
  for (int i = 0; i < 3; i++) engine.Round();
  EXPECT_TRUE(big.stream.closed);
  EXPECT_FALSE(small.stream.closed);
}

TEST_F(IncompleteLimitTest, WhoeverHoldsTooMuchAloneGoesItself) {
  MemoryClient& a = Connect(1);
  for (int i = 0; i < 20; i++) Hold(a, 10'000);
  EXPECT_TRUE(a.stream.closed);
  engine_.Advance(60'000);
  EXPECT_EQ(engine_.TakeEvents(), Events{"close 1006 incomplete"});
  EXPECT_EQ(engine_.incomplete_bytes(), 0u);
  EXPECT_EQ(engine_.hub().session_count(), 0u);
}

}  // namespace
}  // namespace fanwire
