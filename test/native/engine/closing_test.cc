// How a session ends: by whom, with which code, clean or not, and one close for each open.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test/native/core/memory_engine.h"
#include "test/native/engine/application.h"

namespace fanwire::test {
namespace {

class ClosingTest : public testing::Test {
 protected:
  ClosingTest() {
    EndpointOptions endpoint = ToldEndpoint();
    endpoint.close_timeout_ms = kPatienceMs;
    endpoint.max_message_bytes = 64 * 1024;
    app_.AddEndpoint(endpoint);
    endpoint.pattern = "/short";
    endpoint.close_timeout_ms = 100;
    app_.AddEndpoint(endpoint);
    app_.Listen();
    client_ = app_.Connect(&id_);
  }

  Application app_;
  WsClient client_;
  SessionId id_;
};

TEST_F(ClosingTest, APeersCloseIsAnsweredWithItsCode) {
  client_.SendClose(1000, "bye");
  EXPECT_EQ(client_.ReadFrame().payload, CloseBody(1000));
  EXPECT_TRUE(client_.AtEnd());
  const ToldEvent close = app_.Await(EventKind::kClose);
  EXPECT_EQ(close.code(), 1000);
  EXPECT_EQ(close.cause(), CloseCause::kPeer);
  EXPECT_TRUE(close.was_clean());
  EXPECT_EQ(close.reason(), "bye");
}

TEST_F(ClosingTest, AnEmptyCloseIsAnsweredWithAnEmptyOne) {
  client_.SendFrame(0x88, "");
  const Frame answer = client_.ReadFrame();
  EXPECT_TRUE(answer.is_close());
  EXPECT_EQ(answer.payload, "");
  EXPECT_EQ(app_.Await(EventKind::kClose).code(), kCloseNoStatus);
}

TEST_F(ClosingTest, TheApplicationsCloseIsCleanOnceItIsAnswered) {
  app_.Send(id_, "last words");
  ASSERT_TRUE(app_->Close(id_, 4001, "go", CloseCause::kApplication));
  EXPECT_FALSE(app_->Close(id_, 4002, "again", CloseCause::kApplication));
  EXPECT_EQ(app_->State(id_), SessionState::kClosing);
  EXPECT_EQ(app_.Send(id_, "late"), SendResult::kGone);
  EXPECT_EQ(app_->Join(id_, "room"), JoinResult::kGone);
  EXPECT_EQ(client_.ReadText(), "last words");
  EXPECT_EQ(client_.ReadFrame().payload, CloseBody(4001, "go"));
  client_.SendClose(4001);
  EXPECT_TRUE(client_.AtEnd());
  const ToldEvent close = app_.Await(EventKind::kClose);
  EXPECT_EQ(close.code(), 4001);
  EXPECT_EQ(close.cause(), CloseCause::kApplication);
  EXPECT_TRUE(close.was_clean());
}

TEST_F(ClosingTest, AnUnansweredCloseEndsAtTheCloseTimeout) {
  client_ = app_.Connect(&id_, "/short");
  app_->Close(id_, 4001, "go", CloseCause::kApplication);
  EXPECT_TRUE(client_.ReadFrame().is_close());
  const ToldEvent close = app_.Await(EventKind::kClose, id_);
  EXPECT_FALSE(close.was_clean());
  EXPECT_EQ(close.code(), 4001);
  EXPECT_TRUE(client_.AtEnd());
}

TEST_F(ClosingTest, ClosesThatCrossOnTheWireAreOneCleanClose) {
  client_.SendClose(1001);
  app_->Close(id_, 4001, "", CloseCause::kApplication);
  EXPECT_TRUE(client_.ReadFrame().is_close());
  EXPECT_TRUE(client_.AtEnd());
  EXPECT_TRUE(app_.Await(EventKind::kClose).was_clean());
  app_.Drain();
  EXPECT_EQ(app_.Count(EventKind::kClose), 0u);
}

TEST_F(ClosingTest, MessagesAfterOurCloseFrameAreNotTold) {
  app_->Close(id_, 4001, "", CloseCause::kApplication);
  EXPECT_TRUE(client_.ReadFrame().is_close());
  client_.SendText("too late");
  client_.SendClose(4001);
  EXPECT_TRUE(app_.Await(EventKind::kClose).was_clean());
  EXPECT_EQ(app_.Count(EventKind::kMessage), 0u);
}

TEST_F(ClosingTest, AnEndWithoutACloseFrameIsAbnormal) {
  client_.EndWriting();
  EXPECT_TRUE(client_.AtEnd());
  const ToldEvent close = app_.Await(EventKind::kClose);
  EXPECT_EQ(close.code(), kCloseAbnormal);
  EXPECT_EQ(close.cause(), CloseCause::kTransportLost);
  EXPECT_FALSE(close.was_clean());
}

TEST_F(ClosingTest, AResetIsAbnormalToo) {
  client_.Reset();
  const ToldEvent close = app_.Await(EventKind::kClose);
  EXPECT_EQ(close.code(), kCloseAbnormal);
  EXPECT_EQ(close.cause(), CloseCause::kTransportLost);
}

TEST_F(ClosingTest, TerminateEndsAtOnce) {
  ASSERT_TRUE(app_->Terminate(id_, CloseCause::kHandlerTimeout));
  EXPECT_TRUE(client_.AtEnd());
  EXPECT_EQ(app_.Await(EventKind::kClose).cause(), CloseCause::kHandlerTimeout);
  EXPECT_FALSE(app_->Terminate(id_, CloseCause::kApplication));
}

TEST_F(ClosingTest, AMessageJustBeforeTheCloseIsToldFirst) {
  client_.Write(MaskedFrame(0x81, "one") + MaskedFrame(0x88, CloseBody(1000)) +
                MaskedFrame(0x81, "after"));
  EXPECT_TRUE(client_.ReadFrame().is_close());
  ASSERT_TRUE(app_.Until([&] { return app_.Count(EventKind::kClose) == 1; }));
  ASSERT_EQ(app_.Texts(id_), std::vector<std::string>{"one"});
  std::erase_if(app_.told, [&](const ToldEvent& event) { return event.id != id_; });
  EXPECT_EQ(app_.told.back().kind, EventKind::kClose);
}

TEST_F(ClosingTest, AnEndedSessionLeavesItsRooms) {
  app_->Join(id_, "a");
  app_->Join(id_, "b");
  app_->Identify(id_, "ann");
  EXPECT_EQ(app_->Rooms(id_).size(), 2u);
  client_.Drop();
  app_.Await(EventKind::kClose);
  EXPECT_EQ(app_->ChannelSize(ChannelKind::kRoom, "a"), 0u);
  EXPECT_EQ(app_->ChannelSize(ChannelKind::kUser, "ann"), 0u);
  EXPECT_EQ(app_.Stat("channels"), 0u);
}

// The peer's reset is found by the write of a round that has a close frame to send, too.
TEST(DeadStreamTest, ACloseBehindAMessageThatCannotBeWrittenIsOneUncleanEnd) {
  MemoryEngine engine;
  MemoryClient& client = engine.Connect(engine.AddEndpoint(ToldEndpoint()));
  engine.Round();
  engine.TakeEvents();
  client.stream.dead = true;
  engine.Send(client, "nobody reads it");
  engine.Close(client, 4000, "bye");
  engine.Round();
  EXPECT_EQ(engine.TakeEvents(), std::vector<std::string>{"close 4000 application 'bye'"});
  EXPECT_TRUE(client.stream.closed);
}

// ---- the peer breaks the rules ----

struct Breach {
  const char* name;
  std::string wire;
  uint16_t code;
};

class BreachTest : public ClosingTest, public testing::WithParamInterface<Breach> {};

TEST_P(BreachTest, GetsItsCodeOnTheWireAndNothingElseIsToldOfIt) {
  const Breach& breach = GetParam();
  SessionId other_id;
  WsClient other = app_.Connect(&other_id);
  client_.SendText("before");
  client_.Write(breach.wire);
  client_.SendText("never told");
  const Frame close = client_.ReadClose();
  ASSERT_TRUE(close.is_close());
  EXPECT_EQ(close.close_code(), breach.code) << close.payload;
  EXPECT_TRUE(client_.AtEnd());
  client_.Drop();
  const ToldEvent told = app_.Await(EventKind::kClose, id_);
  EXPECT_EQ(told.code(), breach.code);
  EXPECT_EQ(app_.Await(EventKind::kMessage).payload, "before");
  EXPECT_EQ(app_.Count(EventKind::kMessage), 0u);
  EXPECT_TRUE(app_.Await(EventKind::kError).payload.starts_with("ERR_FANWIRE_PROTOCOL "));
  other.SendText("served");
  EXPECT_EQ(app_.Await(EventKind::kMessage).payload, "served");
}

std::string Fragments(size_t count, std::string_view payload) {
  std::string wire = MaskedFrame(0x02, payload);
  const std::string next = MaskedFrame(0x00, payload);
  while (--count != 0) wire += next;
  return wire;
}

// A masked header alone, with a length that nothing follows.
std::string Header(uint8_t first_byte, const char* length_hex) {
  const Bytes length = FromHex(length_hex);
  return std::string{char(first_byte), '\xFF'} + std::string(length.begin(), length.end()) + "mask";
}

INSTANTIATE_TEST_SUITE_P(
    Protocol, BreachTest,
    testing::Values(Breach{"Unmasked", std::string("\x81\x02hi"), 1002},
                    Breach{"Rsv1", MaskedFrame(0xC1, "hi"), 1002},
                    Breach{"Rsv3", MaskedFrame(0x91, "hi"), 1002},
                    Breach{"Opcode3", MaskedFrame(0x83, "hi"), 1002},
                    Breach{"Opcode7", MaskedFrame(0x87, "hi"), 1002},
                    Breach{"Opcode11", MaskedFrame(0x8B, "hi"), 1002},
                    Breach{"Opcode15", MaskedFrame(0x8F, "hi"), 1002},
                    Breach{"LongPing", MaskedFrame(0x89, std::string(126, 'x')), 1002},
                    Breach{"FragmentedPing", MaskedFrame(0x09, "hi"), 1002},
                    Breach{"LoneContinuation", MaskedFrame(0x80, "hi"), 1002},
                    Breach{"MessageInAMessage", MaskedFrame(0x01, "a") + MaskedFrame(0x81, "b"),
                           1002},
                    Breach{"CloseOfOneByte", MaskedFrame(0x88, "x"), 1002},
                    Breach{"CloseWith1005", MaskedFrame(0x88, CloseBody(1005)), 1002},
                    Breach{"CloseWith999", MaskedFrame(0x88, CloseBody(999)), 1002},
                    Breach{"CloseWithBadUtf8", MaskedFrame(0x88, CloseBody(1000, "\xFF")), 1007},
                    Breach{"BadUtf8", MaskedFrame(0x81, "\xC0\xAF"), 1007},
                    Breach{"BadUtf8AcrossFragments",
                           MaskedFrame(0x01, "\xE2\x82") + MaskedFrame(0x00, "\x41"), 1007},
                    Breach{"BadUtf8BeforeTheMessageEnds", MaskedFrame(0x01, "\xFF"), 1007},
                    Breach{"LengthWithTheTopBit", Header(0x82, "80 00 00 00 00 00 00 00"), 1002},
                    Breach{"Length2To62", Header(0x82, "40 00 00 00 00 00 00 00"), 1009},
                    Breach{"OneByteTooMuch", MaskedFrame(0x82, std::string(65'537, 'x')), 1009},
                    Breach{"TooMuchInFragments", Fragments(3, std::string(30'000, 'x')), 1009},
                    Breach{"EndlessEmptyFragments", Fragments(131'000, ""), 1008}),
    [](const auto& breach) { return breach.param.name; });

TEST_F(ClosingTest, APingFloodCostsNoMemoryAndIsAnsweredWithTheLatest) {
  std::string flood;
  for (int i = 0; i < 50'000; i++) flood += MaskedFrame(0x89, std::to_string(i));
  ASSERT_TRUE(client_.Write(flood));
  std::string payload;
  int before = -1;
  while (payload != "49999") {
    const Frame pong = client_.ReadFrame();
    ASSERT_EQ(pong.first_byte, 0x8A);
    payload = pong.payload;
    ASSERT_GT(atoi(payload.c_str()), before);
    before = atoi(payload.c_str());
  }
  EXPECT_EQ(app_.Stat("outboxBytes"), 0u);
}

}  // namespace
}  // namespace fanwire::test
