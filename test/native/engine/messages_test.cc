// What goes in comes out: whole, in order, to whom it is meant for.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <thread>
#include <vector>

#include "test/native/engine/application.h"

namespace fanwire::test {
namespace {

TEST(MessagesTest, AnEchoOfAnySizeComesBackWhole) {
  Application app;
  EndpointOptions endpoint = ToldEndpoint();
  endpoint.max_message_bytes = 4 << 20;
  endpoint.max_buffered_bytes = 8 << 20;
  app.AddEndpoint(endpoint);
  app.Listen();
  app.on_event = [&](const ToldEvent& event) {
    if (event.kind == EventKind::kMessage) {
      app.Send(event.id, event.payload, (event.aux & 0x7F) == 1 ? kSendText : kSendBinary);
    }
    return true;
  };
  WsClient client = app.Connect();
  for (const size_t size : {0, 1, 125, 126, 4'090, 4'096, 65'535, 65'536, 300'000, 4 << 20}) {
    const std::string text(size, 'x'), bytes(size, '\xFF');
    std::thread writer([&] { client.SendText(text) && client.SendBinary(bytes); });
    ASSERT_TRUE(app.Until([&] { return app.Count(EventKind::kMessage) == 2; }));
    writer.join();
    const Frame first = client.ReadFrame(), second = client.ReadFrame();
    EXPECT_EQ(first.first_byte, 0x81);
    EXPECT_TRUE(first.payload == text) << size;
    EXPECT_EQ(second.first_byte, 0x82);
    EXPECT_TRUE(second.payload == bytes) << size;
    app.told.clear();
  }
}

TEST(MessagesTest, AnAdoptedSocketIsServedFromItsHeadOn) {
  Application app;
  app.AddEndpoint();
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  WsClient client(pair[0]);
  const uint32_t token =
      app->Adopt(pair[1], UpgradeHead("/") + MaskedFrame(0x81, "early") + "\x81", 0);
  EXPECT_NE(token, 0u);
  close(pair[1]);  // ours is a duplicate
  EXPECT_EQ(client.ReadStatus(), 101);
  EXPECT_EQ(app.Await(EventKind::kOpen).token(), token);
  EXPECT_EQ(app.Await(EventKind::kMessage).payload, "early");
  client.Write(MaskedFrame(0x81, "late").substr(1));
  EXPECT_EQ(app.Await(EventKind::kMessage).payload, "late");
}

TEST(MessagesTest, AReaderThatStopsNeverBlocksAReactorThatAdoptedABlockingSocket) {
  Application app;
  EndpointOptions endpoint = ToldEndpoint();
  endpoint.max_buffered_bytes = 64 << 20;
  app.AddEndpoint(endpoint);
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  WsClient slow(pair[0]);
  app->Adopt(pair[1], UpgradeHead("/"), 0);
  close(pair[1]);
  const SessionId id = app.Await(EventKind::kOpen).id;
  const std::string big(1 << 20, 'x');
  for (int i = 0; i < 4; i++) app.Send(id, big);
  app->Flush();
  app.Listen();
  WsClient other = app.Connect();
  other.SendFrame(0x89, "alive?");
  EXPECT_EQ(other.ReadFrame().payload, "alive?");
}

TEST(MessagesTest, WhatOneThreadCallsIsSeenInThatOrder) {
  Application app(Application::Threads(2));
  app.AddEndpoint();
  app.Listen();
  std::vector<WsClient> clients(4);
  std::vector<SessionId> ids(4);
  for (size_t i = 0; i < clients.size(); i++) clients[i] = app.Connect(&ids[i]);
  const std::string big(20'000, 'b');
  for (int round = 0; round < 50; round++) {
    for (SessionId id : ids) {
      app->Identify(id, "ann");
      app.Send(id, "1 send");
      ASSERT_EQ(app->Join(id, "room"), JoinResult::kJoined);
    }
    app.Publish("room", "2 publish");
    for (SessionId id : ids) app.Send(id, round % 2 == 0 ? big : "3 send");
    app->Broadcast(Application::Data("4 all"), 5, kSendText, "", {});
    app->Publish(ChannelKind::kUser, "ann", Application::Data("5 user"), 6, kSendText, "", {});
    app.Publish("room", "but", {ids[0]});
    for (SessionId id : ids) ASSERT_TRUE(app->Leave(id, "room"));
    app.Publish("room", "never");
    EXPECT_EQ(app->SendMany(ids, Application::Data("6 many"), 6, kSendText, ""), ids.size());
    if (round % 3 == 0) app->Flush();
  }
  app->Flush();
  for (size_t c = 0; c < clients.size(); c++) {
    for (int round = 0; round < 50; round++) {
      EXPECT_EQ(clients[c].ReadText(), "1 send");
      EXPECT_EQ(clients[c].ReadText(), "2 publish");
      EXPECT_EQ(clients[c].ReadText(), round % 2 == 0 ? big : "3 send");
      EXPECT_EQ(clients[c].ReadText(), "4 all");
      EXPECT_EQ(clients[c].ReadText(), "5 user");
      if (c != 0) {
        EXPECT_EQ(clients[c].ReadText(), "but");
      }
      ASSERT_EQ(clients[c].ReadText(), "6 many");
    }
  }
}

TEST(MessagesTest, AUserThatTheVerdictNamesIsReachedFromTheOpenOn) {
  Application app;
  EndpointOptions endpoint = ToldEndpoint();
  endpoint.authenticate = true;
  app.AddEndpoint(endpoint);
  WsClient client = WsClient::ToPort(app.Listen());
  client.Write(UpgradeHead("/", "Cookie: id=7\r\n"));
  const SessionId id = app.Await(EventKind::kAuthenticate).id;
  EXPECT_NE(app->Info(id)->head.find("Cookie: id=7\r\n"), std::string::npos);
  ASSERT_TRUE(app->Accept(id, "X-Greeting: hello\r\n", "bob"));
  app->Publish(ChannelKind::kUser, "bob", Application::Data("hi bob"), 6, kSendText, "", {});
  app->Flush();
  EXPECT_NE(client.ReadHead().find("\r\nX-Greeting: hello\r\n"), std::string::npos);
  EXPECT_EQ(client.ReadText(), "hi bob");
  EXPECT_EQ(app->Info(id)->user, "bob");
}

TEST(MessagesTest, AHandshakeThatIsPendingIsEndedByItsVerdictAlone) {
  Application app;
  EndpointOptions endpoint = ToldEndpoint();
  endpoint.authenticate = true;
  app.AddEndpoint(endpoint);
  WsClient client = WsClient::ToPort(app.Listen());
  client.Write(UpgradeHead("/"));
  const SessionId id = app.Await(EventKind::kAuthenticate).id;
  EXPECT_FALSE(app->Close(id, 1000, "", CloseCause::kApplication));
  EXPECT_FALSE(app->Terminate(id, CloseCause::kApplication));
  ASSERT_TRUE(app->Accept(id, "", std::nullopt));
  EXPECT_EQ(client.ReadStatus(), 101);
  app.Await(EventKind::kOpen, id);
}

class PublishTest : public testing::TestWithParam<uint32_t> {};

TEST_P(PublishTest, EveryMemberSeesOneOrderOfSeveralPublishers) {
  constexpr int kMembers = 8, kPublishers = 3, kMessages = 300;
  Application app(Application::Threads(GetParam()));
  EndpointOptions endpoint;
  endpoint.pattern = "/live/:room";
  endpoint.publish_to = "live/:room";
  app.AddEndpoint(endpoint);
  app.Listen();
  std::vector<WsClient> members;
  for (int i = 0; i < kMembers; i++) members.push_back(app.Connect("/live/one"));
  WsClient stranger = app.Connect("/live/two");
  std::vector<std::thread> publishers;
  for (int p = 0; p < kPublishers; p++) {
    publishers.emplace_back([&, p] {
      for (int i = 0; i < kMessages; i++) {
        members[size_t(p)].SendText(std::to_string(p) + ":" + std::to_string(i));
      }
    });
  }
  for (int i = 0; i < kMessages; i++) {  // the application is one more publisher
    app.Publish("live/one", "app:" + std::to_string(i));
    if (i % 7 == 0) app->Flush();
  }
  app->Flush();
  for (std::thread& publisher : publishers) publisher.join();
  std::vector<std::string> order;
  for (int i = 0; i < (kPublishers + 1) * kMessages; i++) order.push_back(members[0].ReadText());
  for (const std::string who : {"0", "1", "2", "app"}) {  // each publisher's own order is in it
    int next = 0;
    for (const std::string& text : order) {
      if (!text.starts_with(who + ":")) continue;
      EXPECT_EQ(text, who + ":" + std::to_string(next++));
    }
    EXPECT_EQ(next, kMessages) << who;
  }
  for (size_t m = 1; m < members.size(); m++) {
    for (const std::string& text : order) ASSERT_EQ(members[m].ReadText(), text);
  }
  EXPECT_FALSE(stranger.HasInput());
}

TEST_P(PublishTest, WhoHasItsHandshakeMissesNothingThatIsPublishedAfterIt) {
  Application app(Application::Threads(GetParam()));
  EndpointOptions endpoint;
  endpoint.pattern = "/";
  endpoint.publish_to = "all";
  app.AddEndpoint(endpoint);
  app.Listen();
  WsClient publisher = app.Connect();
  for (int i = 0; i < 300; i++) {
    WsClient member = app.Connect();
    publisher.SendText(std::to_string(i));
    ASSERT_EQ(member.ReadText(), std::to_string(i));
  }
}

TEST_P(PublishTest, AFullMailboxLosesNothingOfAClientThatPublishes) {
  constexpr int kMessages = 2'000;
  EngineOptions options = Application::Threads(GetParam());
  options.max_mailbox_bytes = 16 * 1024;
  Application app(options);
  EndpointOptions endpoint;
  endpoint.pattern = "/";
  endpoint.publish_to = "all";
  endpoint.except_sender = true;
  endpoint.max_buffered_bytes = 64 << 20;
  app.AddEndpoint(endpoint);
  app.Listen();
  std::vector<WsClient> publishers;
  for (int p = 0; p < 4; p++) publishers.push_back(app.Connect());
  std::vector<std::thread> threads;
  const std::string padding(2'000, 'x');
  for (size_t p = 0; p < publishers.size(); p++) {
    threads.emplace_back([&, p] {
      for (int i = 0; i < kMessages; i++) {
        publishers[p].SendText(std::to_string(p) + " " + std::to_string(i) + " " + padding);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t m = 0; m < publishers.size(); m++) {
    std::vector<int> next(publishers.size());
    for (int i = 0; i < 3 * kMessages; i++) {
      const std::string text = publishers[m].ReadText();
      ASSERT_GE(text.size(), padding.size());
      const auto from = size_t(text[0] - '0');
      ASSERT_NE(from, m);
      ASSERT_EQ(atoi(text.c_str() + 2), next[from]++);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Reactors, PublishTest, testing::Values(1, 2, 4));

TEST(MessagesTest, AFullMailboxRefusesAndTellsWhenThereIsRoomAgain) {
  EngineOptions options;
  options.max_mailbox_bytes = 64 * 1024;
  Application app(options);
  app.AddEndpoint();
  app.Listen();
  SessionId id;
  WsClient client = app.Connect(&id);
  app->Join(id, "room");
  const std::string piece(8'000, 'x');
  for (int way = 0; way < 2; way++) {  // Publish, then Send
    int taken = 0;
    const auto post = [&] { return way == 0 ? app.Publish("room", piece) : app.Send(id, piece); };
    SendResult result = post();
    while (result != SendResult::kRefused && taken < 10'000) {
      taken++;
      result = post();
    }
    ASSERT_EQ(result, SendResult::kRefused);
    app->Flush();
    app.Await(EventKind::kWritable);
    for (int i = 0; i < taken; i++) ASSERT_EQ(client.ReadText().size(), piece.size());
    EXPECT_NE(app.Send(id, "goes again"), SendResult::kRefused);
    app->Flush();
    EXPECT_EQ(client.ReadText(), "goes again");
  }
  EXPECT_GT(app.Stat("refusedSends"), 0u);
}

}  // namespace
}  // namespace fanwire::test
