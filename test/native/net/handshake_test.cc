#include "net/handshake.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "test/native/net/running_group.h"

namespace fanwire::test {
namespace {

class HandshakeTest : public testing::Test {
 protected:
  void Start(EngineOptions options = {}) {
    EndpointOptions open, asked;
    open.pattern = "/chat/:room";
    asked.pattern = "/asked";
    open.deliver = open.open = open.close = true;
    asked.deliver = asked.open = asked.close = asked.authenticate = true;
    group_ = std::make_unique<RunningGroup>(options, std::vector{open, asked});
  }
  uint64_t refused() { return group_->reactor().counters().refused.value(); }

  std::unique_ptr<RunningGroup> group_;
};

// A whole response, and nothing after it.
void ExpectRefusal(WsClient& client, int status) {
  const std::string head = client.ReadHead();
  EXPECT_EQ(head.substr(0, 13), "HTTP/1.1 " + std::to_string(status) + " ");
  EXPECT_NE(head.find("\r\nConnection: close\r\n"), std::string::npos) << head;
  const size_t length = head.find("\r\nContent-Length: ");
  ASSERT_NE(length, std::string::npos) << head;
  EXPECT_EQ(client.ReadToEnd().size(), size_t(atoi(head.c_str() + length + 18)));
}

TEST_F(HandshakeTest, AHeadInOnePieceIsAnswered) {
  Start();
  WsClient client = group_->Connect();
  client.Write(UpgradeHead("/chat/one"));
  EXPECT_EQ(client.ReadHead(),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  group_->Await(EventKind::kOpen);
}

TEST_F(HandshakeTest, AHeadByteByByteIsAnsweredToo) {
  Start();
  WsClient client = group_->Connect();
  for (const char byte : UpgradeHead("/chat/one")) ASSERT_TRUE(client.Write({&byte, 1}));
  EXPECT_EQ(client.ReadStatus(), 101);
}

TEST_F(HandshakeTest, FramesBehindTheHeadAreRead) {
  Start();
  WsClient client = group_->Connect();
  const std::string big(200'000, 'b');
  const std::string text = MaskedFrame(0x81, "early");
  std::thread writer([&] {
    client.Write(UpgradeHead("/chat/one") + text + MaskedFrame(0x82, big) + text.substr(0, 3));
  });
  EXPECT_EQ(group_->Await(EventKind::kMessage).payload, "early");
  EXPECT_TRUE(group_->Await(EventKind::kMessage).payload == big);
  writer.join();
  client.Write(text.substr(3));
  EXPECT_EQ(group_->Await(EventKind::kMessage).payload, "early");
}

TEST_F(HandshakeTest, AMegabyteOfHeadersIsRefusedAndTheRefusalCanBeRead) {
  Start();
  const std::string line = "X-Filler: " + std::string(1'000, 'x') + "\r\n";
  std::string many;
  while (many.size() < 1 << 20) many += line;
  for (const std::string& lines : {many, "X-Filler: " + std::string(1 << 20, 'x') + "\r\n"}) {
    WsClient client = group_->Connect();
    ASSERT_TRUE(client.Write(UpgradeHead("/chat/one", lines)));
    ExpectRefusal(client, 431);
  }
  EXPECT_EQ(refused(), 2u);
}

TEST_F(HandshakeTest, TwoThousandSmallHeadersAreRefused) {
  Start();
  std::string lines;
  for (int i = 0; i < 2'000; i++) lines += "a:\r\n";
  WsClient client = group_->Connect();
  client.Write(UpgradeHead("/chat/one", lines));
  ExpectRefusal(client, 431);
}

TEST_F(HandshakeTest, EachWrongHeadGetsItsStatus) {
  Start();
  const std::string good = UpgradeHead("/chat/one");
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string head = good;
    return head.replace(head.find(from), from.size(), to);
  };
  const std::pair<std::string, int> cases[] = {
      {"\x16\x03\x01\x02\x00 this is TLS\r\n\r\n", 400},
      {"hello\r\n\r\n", 400},
      {with("GET", "POST"), 405},
      {with("HTTP/1.1", "HTTP/1.0"), 505},
      {with("Version: 13", "Version: 8"), 426},
      {with("dGhlIHNhbXBsZSBub25jZQ==", "short"), 400},
      {with("Upgrade: websocket\r\n", ""), 426},
      {with("Host: localhost\r\n", ""), 400},
      {with("/chat/one", "/nowhere"), 404},
      {with("/chat/one", "/chat/%00"), 404},
  };
  for (const auto& [head, status] : cases) {
    SCOPED_TRACE(head.substr(0, 40));
    WsClient client = group_->Connect();
    client.Write(head);
    ExpectRefusal(client, status);
  }
}

TEST_F(HandshakeTest, ARefusedClientThatGoesOnSendingStillReadsItsRefusal) {
  Start();
  WsClient client = group_->Connect();
  client.Write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
  client.Write(std::string(3'000'000, 'x'));
  ExpectRefusal(client, 405);
}

TEST_F(HandshakeTest, OverMaxConnectionsTheAnswerIs503) {
  EngineOptions options;
  options.max_connections = 2;
  Start(options);
  WsClient first = group_->Connect(), second = group_->Connect();
  ASSERT_TRUE(first.Upgrade("/chat/a"));
  ASSERT_TRUE(second.Upgrade("/chat/a"));
  {
    WsClient third = group_->Connect();
    third.Write(UpgradeHead("/chat/a"));
    ExpectRefusal(third, 503);
  }
  first.Drop();
  ASSERT_TRUE(group_->Until([&] { return group_->reactor().counters().connections.value() == 1; }));
  EXPECT_TRUE(group_->Connect().Upgrade("/chat/a"));
}

TEST_F(HandshakeTest, ASlowHeadIsRefusedAtTheTimeoutWhileOthersGetIn) {
  EngineOptions options;
  options.handshake_timeout_ms = 300;
  Start(options);
  std::vector<WsClient> slow, silent;
  for (int i = 0; i < 50; i++) {
    slow.push_back(group_->Connect());
    slow.back().Write("GET /chat/one HTT");
    silent.push_back(group_->Connect());
  }
  WsClient other = group_->Connect();
  EXPECT_TRUE(other.Upgrade("/chat/one"));
  for (WsClient& client : slow) ExpectRefusal(client, 408);
  for (WsClient& client : silent) EXPECT_EQ(client.ReadToEnd(), "");
  other.SendText("still here");
  EXPECT_EQ(group_->Await(EventKind::kMessage).payload, "still here");
}

TEST_F(HandshakeTest, AClientThatDripsIsRefusedAtTheTimeoutToo) {
  EngineOptions options;
  options.handshake_timeout_ms = 200;
  Start(options);
  WsClient client = group_->Connect();
  client.Write("GET /chat/one HTTP/1.1\r\nX: ");
  while (!client.Await(POLLIN, 10)) client.Write("x");
  EXPECT_EQ(client.ReadStatus(), 408);
}

TEST_F(HandshakeTest, TheTimeoutOfAClientThatComesToAnIdleLoopBeginsWhenItComes) {
  EngineOptions options;
  options.handshake_timeout_ms = 600;
  RunningGroup clock(options, {});
  WsClient tick = clock.Connect();
  options.handshake_timeout_ms = 400;
  Start(options);
  group_->Connect().Drop();
  ASSERT_TRUE(group_->Until([&] {  // nothing to do any more
    const Counters& counters = group_->reactor().counters();
    return counters.accepted.value() == 1 && counters.connections.value() == 0;
  }));
  EXPECT_TRUE(tick.AtEnd());  // so much later
  WsClient client = group_->Connect();
  client.Write("GET /chat/one HTTP/1.1\r\n");
  client.Write(UpgradeHead("/chat/one").substr(24));
  EXPECT_EQ(client.ReadStatus(), 101);
}

// ---- authenticate ----

TEST_F(HandshakeTest, TheVerdictMayTakeLongerThanTheHead) {
  EngineOptions options;
  options.handshake_timeout_ms = 100;
  Start(options);
  WsClient client = group_->Connect();
  client.Write(UpgradeHead("/asked"));
  const SessionId id = group_->Await(EventKind::kAuthenticate).id;
  for (int i = 0; i < 3; i++) EXPECT_TRUE(group_->Connect().AtEnd());  // three time-outs
  group_->Accept(id, "Set-Cookie: a=b\r\n");
  EXPECT_NE(client.ReadHead().find("\r\nSet-Cookie: a=b\r\n"), std::string::npos);
  group_->Await(EventKind::kOpen);
}

TEST_F(HandshakeTest, EarlyFramesAreKeptUntilTheVerdict) {
  Start();
  WsClient client = group_->Connect();
  client.Write(UpgradeHead("/asked") + MaskedFrame(0x81, "one"));
  const SessionId id = group_->Await(EventKind::kAuthenticate).id;
  const std::string big(100'000, 'b');
  client.Write(MaskedFrame(0x81, "two") + MaskedFrame(0x82, big));
  EXPECT_FALSE(client.HasInput());
  group_->Accept(id);
  EXPECT_EQ(client.ReadStatus(), 101);
  group_->Await(EventKind::kOpen);
  EXPECT_EQ(group_->Await(EventKind::kMessage).payload, "one");
  EXPECT_EQ(group_->Await(EventKind::kMessage).payload, "two");
  EXPECT_TRUE(group_->Await(EventKind::kMessage).payload == big);
}

TEST_F(HandshakeTest, AVerdictOfNoIsAWholeResponse) {
  Start();
  WsClient client = group_->Connect();
  client.Write(UpgradeHead("/asked") + MaskedFrame(0x81, "early"));
  group_->Refuse(group_->Await(EventKind::kAuthenticate).id, 401,
                 "WWW-Authenticate: Bearer\r\nContent-Type: application/json\r\n", "{\"no\":1}");
  const std::string head = client.ReadHead();
  EXPECT_TRUE(head.starts_with("HTTP/1.1 401 Unauthorized\r\n")) << head;
  EXPECT_NE(head.find("\r\nWWW-Authenticate: Bearer\r\n"), std::string::npos);
  EXPECT_NE(head.find("\r\nContent-Type: application/json\r\n"), std::string::npos);
  EXPECT_EQ(client.ReadToEnd(), "{\"no\":1}");
  client.Drop();
  ASSERT_TRUE(group_->Until([&] { return group_->reactor().counters().connections.value() == 0; }));
  EXPECT_EQ(group_->Count(EventKind::kAbort), 0u);
  EXPECT_EQ(group_->Count(EventKind::kOpen), 0u);
}

TEST_F(HandshakeTest, AClientThatLeavesBeforeTheVerdictAbortsOnce) {
  Start();
  for (int way = 0; way < 4; way++) {
    SCOPED_TRACE(way);
    WsClient client = group_->Connect();
    client.Write(UpgradeHead("/asked") + (way >= 2 ? MaskedFrame(0x81, "early") : ""));
    const SessionId id = group_->Await(EventKind::kAuthenticate).id;
    if (way >= 2) client.SendText("more, which nobody reads");
    switch (way % 2) {
      case 0:
        client.Drop();
        break;
      default:
        client.Reset();
    }
    EXPECT_EQ(group_->Await(EventKind::kAbort).id, id);
    group_->Accept(id);  // too late
    group_->Refuse(id, 401, "", "");
    ASSERT_TRUE(
        group_->Until([&] { return group_->reactor().counters().connections.value() == 0; }));
    EXPECT_TRUE(group_->Connect().Upgrade("/chat/one"));
    group_->Await(EventKind::kOpen);
    EXPECT_EQ(group_->Count(EventKind::kAbort), 0u);
    EXPECT_EQ(group_->Count(EventKind::kOpen), 0u);
    ASSERT_TRUE(
        group_->Until([&] { return group_->reactor().counters().connections.value() == 0; }));
  }
}

TEST_F(HandshakeTest, AnAcceptedClientWhomThe101CannotReachOpensAndCloses) {
  Start();
  WsClient client = group_->Connect();
  client.Write(UpgradeHead("/asked"));
  const SessionId id = group_->Await(EventKind::kAuthenticate).id;
  std::string lines;  // more than a socket takes
  while (lines.size() < 16 << 20) lines += "X: " + std::string(1'000, 'x') + "\r\n";
  group_->Accept(id, lines);
  EXPECT_EQ(group_->Await(EventKind::kOpen).id, id);
  const ToldEvent close = group_->Await(EventKind::kClose);
  EXPECT_EQ(close.id, id);
  EXPECT_EQ(close.cause(), CloseCause::kTransportLost);
}

TEST_F(HandshakeTest, TheFirstVerdictCounts) {
  Start();
  WsClient client = group_->Connect();
  client.Write(UpgradeHead("/asked"));
  const SessionId id = group_->Await(EventKind::kAuthenticate).id;
  group_->Accept(id);
  group_->Refuse(id, 401, "", "");
  group_->Accept(id);
  EXPECT_EQ(client.ReadStatus(), 101);
  group_->Await(EventKind::kOpen);
  client.SendText("in");
  EXPECT_EQ(group_->Await(EventKind::kMessage).payload, "in");
  EXPECT_FALSE(client.HasInput());
}

TEST_F(HandshakeTest, PendingVerdictsAreAbortedByAStop) {
  Start();
  std::vector<WsClient> clients;
  for (int i = 0; i < 10; i++) {
    clients.push_back(group_->Connect());
    clients.back().Write(UpgradeHead("/asked"));
    group_->Await(EventKind::kAuthenticate);
  }
  group_->reactor().PostStop();
  for (WsClient& client : clients) EXPECT_TRUE(client.AtEnd());
  ASSERT_TRUE(group_->Until([&] { return group_->group().all_left(); }));
  ASSERT_TRUE(group_->Until([] { return true; }));
  EXPECT_EQ(group_->Count(EventKind::kAbort), clients.size());
}

TEST_F(HandshakeTest, AFloodOfHandshakesThatLeaveMidwayLeavesNothing) {
  Start();
  const std::string head = UpgradeHead("/chat/one");
  for (size_t i = 0; i < 300; i++) {
    WsClient client = group_->Connect();
    client.Write(std::string_view(head).substr(0, i * head.size() / 300));
    if (i % 2 == 0) client.Reset();
  }
  EXPECT_TRUE(group_->Connect().Upgrade("/chat/one"));
  EXPECT_TRUE(group_->Until([&] { return group_->reactor().counters().connections.value() == 0; }));
}

}  // namespace
}  // namespace fanwire::test
