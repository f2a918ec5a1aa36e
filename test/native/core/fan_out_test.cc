// Fan-out through a hub: what each client reads, byte for byte, and in how many writes.
#include "core/fan_out.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "test/native/core/memory_engine.h"

namespace fanwire {
namespace {

using test::MemoryClient;
using test::MemoryEngine;
using test::ServerText;

EndpointOptions Quiet() {
  EndpointOptions options;
  options.ping_interval_ms = 0;
  return options;
}

class FanOutTest : public testing::Test {
 protected:
  MemoryClient& Connect(uint32_t reactor = 0) { return engine_.Connect(endpoint_, "/", reactor); }
  MemoryClient& ConnectTo(std::string_view room, uint32_t reactor = 0) {
    MemoryClient& client = Connect(reactor);
    EXPECT_EQ(engine_.Join(client, room), JoinResult::kJoined);
    return client;
  }

  MemoryEngine engine_{EngineOptions{}, 2};
  const Endpoint& endpoint_ = engine_.AddEndpoint(Quiet());
};

TEST_F(FanOutTest, AMessageIsOneUnmaskedFrame) {
  MemoryClient& a = Connect();
  EXPECT_EQ(engine_.Send(a, "hi"), SendResult::kQueued);
  engine_.Round();
  EXPECT_EQ(a.TakeSent(), "\x81\x02hi");
}

TEST_F(FanOutTest, ARoomReachesItsMembersOnAllReactorsAndNobodyElse) {
  MemoryClient &a = ConnectTo("news"), &b = ConnectTo("news", 1), &c = Connect();
  engine_.Publish("news", "hi");
  engine_.Round();
  EXPECT_EQ(a.TakeSent(), "\x81\x02hi");
  EXPECT_EQ(b.TakeSent(), "\x81\x02hi");
  EXPECT_EQ(c.TakeSent(), "");
}

TEST_F(FanOutTest, ABroadcastReachesEverybodyButTheExcepted) {
  MemoryClient &a = Connect(), &b = Connect(1), &c = Connect();
  engine_.Broadcast("all");
  engine_.Broadcast("few", {a.id, b.id});
  engine_.Round();
  EXPECT_EQ(a.TakeSent(),
            "\x81\x03"
            "all");
  EXPECT_EQ(b.TakeSent(),
            "\x81\x03"
            "all");
  EXPECT_EQ(c.TakeSent(),
            "\x81\x03"
            "all\x81\x03"
            "few");
}

TEST_F(FanOutTest, AllOfARoundLeavesInOneWrite) {
  MemoryClient& a = ConnectTo("news");
  std::string expected;
  for (int i = 0; i < 100; i++) {
    const std::string text = "message " + std::to_string(i);
    if (i % 3 == 0) {
      engine_.Send(a, text);
    } else if (i % 3 == 1) {
      engine_.Publish("news", text);
    } else {
      engine_.Broadcast(text);
    }
    expected += ServerText(text);
  }
  engine_.Round();
  EXPECT_EQ(a.stream.writes, 1);
  EXPECT_EQ(a.TakeSent(), expected);
}

TEST_F(FanOutTest, ARoomsBurstLeavesInOneWriteForEachMember) {
  std::vector<MemoryClient*> members;
  for (int i = 0; i < 20; i++) members.push_back(&ConnectTo("news"));
  std::string expected;
  for (int i = 0; i < 50; i++) {
    engine_.Publish("news", std::to_string(i));
    expected += ServerText(std::to_string(i));
  }
  engine_.Round();
  for (MemoryClient* member : members) {
    EXPECT_EQ(member->stream.writes, 1);
    EXPECT_EQ(member->TakeSent(), expected);
  }
  EXPECT_EQ(engine_.counters().messages_out.value(), 20u * 50u);
}

TEST_F(FanOutTest, CallsKeepTheirOrderWhateverTheyAre) {
  MemoryClient &a = ConnectTo("x"), &b = ConnectTo("x");
  engine_.Join(a, "y");
  engine_.Send(a, "1");
  engine_.Publish("x", "2");
  engine_.Send(b, "3");
  engine_.Publish("x", "4");
  engine_.Publish("y", "5");
  engine_.Publish("x", "6");
  engine_.Broadcast("7");
  engine_.Send(a, "8");
  engine_.Round();
  EXPECT_EQ(a.TakeSent(),
            "\x81\x01"
            "1\x81\x01"
            "2\x81\x01"
            "4\x81\x01"
            "5\x81\x01"
            "6\x81\x01"
            "7\x81\x01"
            "8");
  EXPECT_EQ(b.TakeSent(),
            "\x81\x01"
            "2\x81\x01"
            "3\x81\x01"
            "4\x81\x01"
            "6\x81\x01"
            "7");
}

TEST_F(FanOutTest, AJoinAndALeaveCutARoundAtTheirPlace) {
  MemoryClient &a = ConnectTo("x"), &b = Connect();
  engine_.Publish("x", "1");
  engine_.Join(b, "x");
  engine_.Publish("x", "2");
  engine_.Leave(a, "x");
  engine_.Publish("x", "3");
  engine_.Join(a, "x");
  engine_.Leave(b, "x");
  engine_.Publish("x", "4");
  engine_.Round();
  EXPECT_EQ(a.TakeSent(),
            "\x81\x01"
            "1\x81\x01"
            "2\x81\x01"
            "4");
  EXPECT_EQ(b.TakeSent(),
            "\x81\x01"
            "2\x81\x01"
            "3");
}

TEST_F(FanOutTest, ARoomThatEmptiesAndFillsInOneRoundIsStillOneRoom) {
  MemoryClient& a = ConnectTo("x");
  for (int i = 0; i < 5; i++) {
    engine_.Leave(a, "x");
    engine_.Publish("x", "lost");
    engine_.Join(a, "x");
    engine_.Publish("x", "seen");
  }
  engine_.Round();
  std::string expected;
  for (int i = 0; i < 5; i++) expected += ServerText("seen");
  EXPECT_EQ(a.TakeSent(), expected);
}

TEST_F(FanOutTest, ExceptIsPerMessageWithinABurst) {
  MemoryClient &a = ConnectTo("x"), &b = ConnectTo("x"), &c = ConnectTo("x");
  engine_.Publish("x", "1", {a.id});
  engine_.Publish("x", "2");
  engine_.Publish("x", "3", {b.id, a.id});
  engine_.Publish("x", "4", {c.id});
  engine_.Publish("x", "5");
  engine_.Round();
  EXPECT_EQ(a.TakeSent(),
            "\x81\x01"
            "2\x81\x01"
            "4\x81\x01"
            "5");
  EXPECT_EQ(b.TakeSent(),
            "\x81\x01"
            "1\x81\x01"
            "2\x81\x01"
            "4\x81\x01"
            "5");
  EXPECT_EQ(c.TakeSent(),
            "\x81\x01"
            "1\x81\x01"
            "2\x81\x01"
            "3\x81\x01"
            "5");
  EXPECT_EQ(a.stream.writes, 1);
}

TEST_F(FanOutTest, ExceptOfStrangersAndOfTheGoneChangesNothing) {
  MemoryClient &a = ConnectTo("x"), &stranger = Connect(), &far = ConnectTo("x", 1);
  SessionId gone = a.id;
  gone.generation++;
  engine_.Publish("x", "1", {stranger.id, gone, {}, SessionId{63u << SessionId::kIndexBits, 1}});
  engine_.Publish("x", "2", {a.id, a.id, a.id});
  engine_.Publish("x", "3");
  engine_.Round();
  EXPECT_EQ(a.TakeSent(),
            "\x81\x01"
            "1\x81\x01"
            "3");
  EXPECT_EQ(far.TakeSent(),
            "\x81\x01"
            "1\x81\x01"
            "2\x81\x01"
            "3");
  EXPECT_EQ(stranger.TakeSent(), "");
}

TEST_F(FanOutTest, CountsEachReceiverOnce) {
  MemoryClient &a = ConnectTo("x"), &stranger = Connect();
  ConnectTo("x");
  engine_.Publish("x", "1", {stranger.id});
  engine_.Publish("x", "2", {a.id, a.id});
  engine_.Round();
  EXPECT_EQ(engine_.counters().messages_out.value(), 3u);
  engine_.Publish("x", "3", {a.id});
  engine_.Leave(a, "x");
  engine_.Round();
  EXPECT_EQ(engine_.counters().messages_out.value(), 4u);
}

TEST_F(FanOutTest, BigMessagesKeepTheirPlace) {
  MemoryClient& a = ConnectTo("x");
  std::string expected;
  for (const size_t size :
       {size_t{10}, size_t{20'000}, size_t{5}, size_t{100'000}, size_t{16'000}, size_t{16'384},
        size_t{16'380}, size_t{65'535}, size_t{65'536}, size_t{1}}) {
    const std::string text(size, char('a' + size % 26));
    for (int way = 0; way < 3; way++) {
      if (way == 0) engine_.Send(a, text);
      if (way == 1) engine_.Publish("x", text);
      if (way == 2) engine_.Send(a, MemoryEngine::Text(text));
      expected += ServerText(text);
    }
  }
  engine_.Round();
  EXPECT_EQ(a.TakeSent(), expected);
  EXPECT_EQ(engine_.BufferedOf(a), 0u);
}

TEST_F(FanOutTest, ManySmallMessagesLeaveInWritesOf64KiB) {
  MemoryClient& a = ConnectTo("x");
  for (int i = 0; i < 4'000; i++) engine_.Publish("x", std::string(98, 'x'));  // 400,000 bytes
  engine_.Round();
  EXPECT_EQ(a.TakeSent().size(), 400'000u);
  EXPECT_LE(a.stream.writes, 8);
}

// The stream of bytes is the same whatever the kernel takes at a time.
TEST_F(FanOutTest, AnyRoomOfTheKernelGivesTheSameBytes) {
  const auto run = [](size_t first_room, size_t then) {
    MemoryEngine engine;
    MemoryClient& a = engine.Connect(engine.AddEndpoint(Quiet()));
    engine.Join(a, "x");
    engine.Round();
    a.stream.room = first_room;
    engine.Send(a, "one");
    engine.Publish("x", "two", {});
    engine.Publish("x", "three");
    engine.Send(a, MemoryEngine::Text("four"));
    engine.Publish("x", std::string(200, '5'));
    engine.Round();
    engine.Send(a, "six");
    engine.Publish("x", "seven");
    engine.Round();
    for (int i = 0; i < 2'000 && a.stream.wants_writable; i++) engine.MakeWritable(a, then);
    engine.Send(a, "eight");
    engine.Round();
    for (int i = 0; i < 2'000 && a.stream.wants_writable; i++) engine.MakeWritable(a, then);
    EXPECT_EQ(engine.BufferedOf(a), 0u) << first_room << ", " << then;
    EXPECT_EQ(engine.counters().outbox_bytes.value(), 0u);
    return a.TakeSent();
  };
  const std::string expected = ServerText("one") + ServerText("two") + ServerText("three") +
                               ServerText("four") + ServerText(std::string(200, '5')) +
                               ServerText("six") + ServerText("seven") + ServerText("eight");
  for (size_t room = 0; room <= expected.size(); room++) {
    for (const size_t then : {size_t{1}, size_t{3}, size_t{50}, test::MemoryStream::kEndless})
      ASSERT_EQ(run(room, then), expected);
  }
}

TEST_F(FanOutTest, AnyRoomOfTheKernelGivesTheSameBigMessages) {
  std::mt19937 random(5);
  for (int run = 0; run < 60; run++) {
    MemoryEngine engine;
    MemoryClient& a = engine.Connect(engine.AddEndpoint(Quiet()));
    engine.Join(a, "x");
    engine.Round();
    std::string expected;
    for (int round = 0; round < 12; round++) {
      if (random() % 2 == 0) a.stream.room = random() % 60'000;
      for (uint32_t i = random() % 6; i > 0; i--) {
        const std::string text(random() % (random() % 4 == 0 ? 40'000 : 300),
                               char('a' + random() % 26));
        const uint32_t way = random() % 3;
        if (way == 0) engine.Send(a, text);
        if (way == 1) engine.Publish("x", text);
        if (way == 2) engine.Send(a, MemoryEngine::Text(text));
        expected += ServerText(text);
      }
      engine.Round();
      if (random() % 2 == 0) engine.MakeWritable(a, random() % 60'000);
    }
    while (a.stream.wants_writable) engine.MakeWritable(a, 50'000);
    ASSERT_EQ(a.TakeSent(), expected);
    EXPECT_EQ(engine.BufferedOf(a), 0u);
    EXPECT_EQ(engine.counters().outbox_bytes.value(), 0u);
  }
}

// Many clients, rooms and exceptions at random, against a plain model of what each must read.
TEST_F(FanOutTest, AgreesWithAPlainModel) {
  std::mt19937 random(17);
  for (int run = 0; run < 20; run++) {
    MemoryEngine engine({}, 2);
    const Endpoint& endpoint = engine.AddEndpoint(Quiet());
    std::vector<MemoryClient*> clients;
    std::vector<std::string> expected(8);
    std::map<std::string, std::vector<size_t>> rooms;
    for (uint32_t i = 0; i < 8; i++) clients.push_back(&engine.Connect(endpoint, "/", i % 2));
    for (int step = 0; step < 600; step++) {
      const size_t who = random() % clients.size();
      const std::string room = "room" + std::to_string(random() % 3), text = std::to_string(step);
      std::vector<size_t>& members = rooms[room];
      const auto found = std::find(members.begin(), members.end(), who);
      switch (random() % 6) {
        case 0:
          EXPECT_EQ(engine.Join(*clients[who], room),
                    found == members.end() ? JoinResult::kJoined : JoinResult::kAlready);
          if (found == members.end()) members.push_back(who);
          break;
        case 1:
          EXPECT_EQ(engine.Leave(*clients[who], room), found != members.end());
          if (found != members.end()) members.erase(found);
          break;
        case 2:
          engine.Send(*clients[who], text);
          expected[who] += ServerText(text);
          break;
        case 3:
          engine.Publish(room, text);
          for (size_t m : members) expected[m] += ServerText(text);
          break;
        case 4:
          engine.Publish(room, text, {clients[who]->id});
          for (size_t m : members) {
            if (m != who) expected[m] += ServerText(text);
          }
          break;
        default:
          engine.Broadcast(text, {clients[who]->id});
          for (size_t m = 0; m < clients.size(); m++) {
            if (m != who) expected[m] += ServerText(text);
          }
      }
      if (random() % 20 == 0) engine.Round();
    }
    engine.Round();
    for (size_t i = 0; i < clients.size(); i++) ASSERT_EQ(clients[i]->TakeSent(), expected[i]);
  }
}

}  // namespace
}  // namespace fanwire
