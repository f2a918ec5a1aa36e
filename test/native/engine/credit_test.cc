// What the application has not settled yet holds back its session, and nobody else.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "test/native/engine/application.h"

namespace fanwire::test {
namespace {

// Settles nothing by itself.
class CreditTest : public testing::Test {
 protected:
  CreditTest() {
    app_.AddEndpoint();
    app_.Listen();
    app_.on_event = [this](const ToldEvent& event) {
      return event.kind != EventKind::kMessage || event.id != held_;
    };
  }
  size_t Told() { return app_.Count(EventKind::kMessage, held_); }
  // When a pong has come back, everything before the ping has been read.
  static void AwaitPong(WsClient& client) {
    ASSERT_TRUE(client.SendFrame(0x89, "still there?"));
    const Frame pong = client.ReadFrame();
    EXPECT_EQ(pong.first_byte, 0x8A);
    EXPECT_EQ(pong.payload, "still there?");
  }

  Application app_;
  SessionId held_;
};

TEST_F(CreditTest, ASessionHasAtMostSixteenMessagesUnsettled) {
  WsClient client = app_.Connect(&held_), other;
  for (int i = 0; i < 40; i++) client.SendText(std::to_string(i));
  AwaitPong(client);
  ASSERT_TRUE(app_.Until([&] { return Told() >= kCreditMessages; }));
  SessionId other_id;
  other = app_.Connect(&other_id);
  other.SendText("others go on");
  EXPECT_EQ(app_.Await(EventKind::kMessage, other_id).payload, "others go on");
  EXPECT_EQ(Told(), kCreditMessages);
  for (size_t told = kCreditMessages; told < 40; told++) {
    app_->Settle(held_, uint32_t(std::to_string(told - kCreditMessages).size()));
    ASSERT_TRUE(app_.Until([&] { return Told() > told; }));
    AwaitPong(client);
    app_.Drain();
    ASSERT_EQ(Told(), told + 1);
  }
  int next = 0;
  for (const std::string& text : app_.Texts(held_)) EXPECT_EQ(text, std::to_string(next++));
}

TEST_F(CreditTest, ASessionHasAtMostSixtyFourKibibytesUnsettledBeforeItsNextMessage) {
  WsClient client = app_.Connect(&held_);
  const uint32_t sizes[] = {40'000, 40'000, 30'000, 30'000};
  for (const uint32_t size : sizes) client.SendText(std::string(size, 'x'));
  AwaitPong(client);
  ASSERT_TRUE(app_.Until([&] { return Told() == 2; }));
  AwaitPong(client);
  app_.Drain();
  EXPECT_EQ(Told(), 2u);
  for (size_t told = 2; told < 4; told++) {
    app_->Settle(held_, 40'000);
    ASSERT_TRUE(app_.Until([&] { return Told() == told + 1; }));
  }
  for (size_t i = 0; i < 4; i++) EXPECT_EQ(app_.Texts(held_)[i].size(), sizes[i]);
}

TEST_F(CreditTest, AFloodWaitsInOrderAndAllOfItComesAfterSettling) {
  constexpr int kMessages = 5'000;
  WsClient client = app_.Connect(&held_);
  std::thread flood([&] {
    for (int i = 0; i < kMessages; i++) {
      client.SendText(std::to_string(i) + std::string(1'000, ' '));
    }
  });
  SessionId other_id;
  WsClient other = app_.Connect(&other_id);  // while the flood has stopped reading
  other.SendText("served");
  app_.Await(EventKind::kMessage, other_id);
  size_t settled = 0;
  while (settled < kMessages && !HasFailure()) {
    EXPECT_TRUE(app_.Until([&] { return Told() > 0; }));
    EXPECT_LE(Told(), size_t{kCreditMessages});
    for (const std::string& text : app_.Texts(held_)) {
      EXPECT_EQ(atoi(text.c_str()), int(settled++));
      app_->Settle(held_, uint32_t(text.size()));
    }
    app_.told.clear();
  }
  flood.join();
  AwaitPong(client);
}

TEST_F(CreditTest, NoMessageComesBeforeTheOpenHasSettled) {
  app_.on_event = [](const ToldEvent& event) { return event.kind != EventKind::kOpen; };
  SessionId id;
  WsClient client = app_.Connect(&id);
  client.SendText("waits");
  AwaitPong(client);
  app_.Drain();
  EXPECT_EQ(app_.Count(EventKind::kMessage), 0u);
  app_->Settle(id, kSettleOpen);
  EXPECT_EQ(app_.Await(EventKind::kMessage).payload, "waits");
}

TEST_F(CreditTest, WhatAClientSaidBeforeItLeftIsToldBeforeItsClose) {
  WsClient client = app_.Connect(&held_);
  for (int i = 0; i < 30; i++) client.SendText(std::to_string(i));
  client.SendClose(1000, "bye");
  EXPECT_EQ(client.ReadClose().close_code(), 1000);
  ASSERT_TRUE(app_.Until([&] { return Told() == kCreditMessages; }));
  EXPECT_EQ(app_.Count(EventKind::kClose), 0u);
  for (size_t i = 0; i < 30; i++) {
    ASSERT_TRUE(app_.Until([&] { return Told() > i; }));
    app_->Settle(held_, uint32_t(std::to_string(i).size()));
  }
  ASSERT_TRUE(app_.Until([&] { return app_.Count(EventKind::kClose) == 1; }));
  EXPECT_EQ(Told(), 30u);
  std::erase_if(app_.told, [&](const ToldEvent& event) { return event.id != held_; });
  EXPECT_EQ(app_.told.back().kind, EventKind::kClose);
  EXPECT_EQ(app_.told.back().reason(), "bye");
}

TEST_F(CreditTest, AClientWhoseReadingIsPausedIsNotTakenForDead) {
  EndpointOptions short_pings = ToldEndpoint("/pinged");
  short_pings.ping_interval_ms = short_pings.pong_timeout_ms = 100;
  app_.AddEndpoint(short_pings);
  WsClient client = app_.Connect(&held_, "/pinged");
  std::thread flood([&] {
    for (int i = 0; i < 3'000; i++) client.SendText(std::to_string(i));
  });
  ASSERT_TRUE(app_.Until([&] { return Told() == kCreditMessages; }));
  for (int i = 0; i < 3; i++) {  // in the time in which three silent ones are given up
    SessionId silent_id;
    WsClient silent = app_.Connect(&silent_id, "/pinged");
    EXPECT_EQ(app_.Await(EventKind::kClose, silent_id).cause(), CloseCause::kPongTimeout);
  }
  EXPECT_EQ(app_->State(held_), SessionState::kOpen);
  for (size_t settled = 0; settled < 3'000; settled++) {
    ASSERT_TRUE(app_.Until([&] { return Told() > settled; }));
    app_->Settle(held_, uint32_t(std::to_string(settled).size()));
  }
  flood.join();
  EXPECT_EQ(app_.Count(EventKind::kClose, held_), 0u);
}

TEST_F(CreditTest, AClientThatResetsWhileItsReadingIsPausedIsNoticed) {
  WsClient client = app_.Connect(&held_);
  for (int i = 0; i < 2'000; i++) client.SendText("x");
  ASSERT_TRUE(app_.Until([&] { return Told() == kCreditMessages; }));
  client.Reset();
  ASSERT_TRUE(app_.Until([&] { return app_->State(held_) == SessionState::kClosed; }));
  EXPECT_EQ(app_.Count(EventKind::kClose), 0u);      // the messages it sent come first
  app_->Terminate(held_, CloseCause::kApplication);  // nobody wants them
  EXPECT_EQ(app_.Await(EventKind::kClose, held_).cause(), CloseCause::kTransportLost);
}

}  // namespace
}  // namespace fanwire::test
