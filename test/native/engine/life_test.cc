// From the first thread to the last: pings, slots that are used again, running out of descriptors, and every way to stop.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "test/native/engine/application.h"

// libwebsockets forgets 808 bytes when a context fails for want of a descriptor for its event pipe.
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions();
const char* __lsan_default_suppressions() { return "leak:__lws_create_event_pipes\n"; }

namespace fanwire::test {
namespace {

using std::chrono::steady_clock;

int64_t MsSince(steady_clock::time_point since) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - since).count();
}

// ---- pings ----

TEST(PingTest, AClientThatVanishesIsGoneAtPingIntervalAndPongTimeout) {
  Application app;
  EndpointOptions endpoint = ToldEndpoint();
  endpoint.ping_interval_ms = 150;
  endpoint.pong_timeout_ms = 100;
  app.AddEndpoint(endpoint);
  app.Listen();
  const auto start = steady_clock::now();
  SessionId id, answering_id;
  WsClient vanished = app.Connect(&id), answering = app.Connect(&answering_id);
  std::thread answers([&] { answering.ReadText(); });  // answers pings until there is a message
  const ToldEvent close = app.Await(EventKind::kClose, id);
  EXPECT_EQ(close.cause(), CloseCause::kPongTimeout);
  EXPECT_EQ(close.code(), kCloseAbnormal);
  EXPECT_GE(MsSince(start), 240);
  EXPECT_EQ(vanished.ReadFrame().first_byte, 0x89);
  for (int i = 0; i < 3; i++) {  // the time of some more
    vanished = app.Connect(&id);
    app.Await(EventKind::kClose, id);
  }
  EXPECT_EQ(app->State(answering_id), SessionState::kOpen);
  EXPECT_GE(app.Stat("pings"), 5u);
  app.Send(answering_id, "done");
  app->Flush();
  answers.join();
}

TEST(PingTest, AnyBytesShowThatAClientLives) {
  Application app;
  EndpointOptions endpoint = ToldEndpoint();
  endpoint.ping_interval_ms = 100;
  endpoint.pong_timeout_ms = 400;
  app.AddEndpoint(endpoint);
  app.Listen();
  SessionId id;
  WsClient client = app.Connect(&id);
  for (int i = 0; i < 5; i++) {
    EXPECT_EQ(client.ReadFrame().first_byte, 0x89);
    client.SendText("no pong");
    app.Await(EventKind::kMessage);
  }
  EXPECT_EQ(app.Count(EventKind::kClose), 0u);
}

// ---- slots ----

TEST(SlotTest, LateCallsOnASlotThatIsUsedAgainReachNobody) {
  Application app;
  app.AddEndpoint();
  app.Listen();
  SessionId old_id;
  WsClient client = app.Connect(&old_id);
  client.SendText("held");
  app.on_event = [](const ToldEvent& event) { return event.kind != EventKind::kMessage; };
  app.Await(EventKind::kMessage);
  client.Drop();
  app.Await(EventKind::kClose);
  app.Drain();
  SessionId id;
  client = app.Connect(&id);
  ASSERT_EQ(id.slot, old_id.slot);
  ASSERT_NE(id.generation, old_id.generation);
  for (int i = 0; i < 100; i++) app->Settle(old_id, 60'000);
  EXPECT_EQ(app.Send(old_id, "to nobody"), SendResult::kGone);
  EXPECT_EQ(app.Send(old_id, std::string(10'000, 'x')), SendResult::kGone);
  EXPECT_EQ(app->SendMany({old_id}, Application::Data("x"), 1, kSendText, ""), 0u);
  EXPECT_EQ(app->Join(old_id, "room"), JoinResult::kGone);
  EXPECT_FALSE(app->Leave(old_id, "room"));
  EXPECT_FALSE(app->Identify(old_id, "ann"));
  EXPECT_FALSE(app->Close(old_id, 4000, "", CloseCause::kApplication));
  EXPECT_FALSE(app->Terminate(old_id, CloseCause::kApplication));
  EXPECT_FALSE(app->Accept(old_id, "", std::nullopt));
  EXPECT_FALSE(app->Refuse(old_id, 403, "", ""));
  EXPECT_EQ(app->State(old_id), SessionState::kClosed);
  EXPECT_EQ(app->BufferedBytes(old_id), 0u);
  EXPECT_TRUE(app->Rooms(old_id).empty());
  EXPECT_FALSE(app->Info(old_id).has_value());
  app->Flush();
  app.Publish("room", "nobody is here");
  app.Send(id, "only this");
  app->Flush();
  EXPECT_EQ(client.ReadText(), "only this");
  for (int i = 0; i < 20; i++) client.SendText("y");  // late settling gave no credit
  client.SendFrame(0x89, "");
  EXPECT_EQ(client.ReadFrame().first_byte, 0x8A);
  app.Drain();
  ASSERT_TRUE(app.Until([&] { return app.Count(EventKind::kMessage) >= kCreditMessages; }));
  EXPECT_EQ(app.Count(EventKind::kMessage), kCreditMessages);
}

TEST(SlotTest, IdsThatNeverWereReachNobody) {
  Application app(Application::Threads(2));
  app.AddEndpoint();
  for (const SessionId id : {SessionId{0, 0}, SessionId{0, 1}, SessionId{5, 7},
                             SessionId{2u << 24, 1}, SessionId{0xFFFFFFFF, 0xFFFFFFFF}}) {
    EXPECT_EQ(app.Send(id, "x"), SendResult::kGone);
    EXPECT_EQ(app.Send(id, std::string(10'000, 'x')), SendResult::kGone);
    EXPECT_EQ(app->Join(id, "room"), JoinResult::kGone);
    EXPECT_FALSE(app->Leave(id, "room"));
    EXPECT_FALSE(app->Identify(id, "ann"));
    EXPECT_FALSE(app->Close(id, 4000, "", CloseCause::kApplication));
    EXPECT_FALSE(app->Terminate(id, CloseCause::kApplication));
    EXPECT_FALSE(app->Accept(id, "", "ann"));
    EXPECT_FALSE(app->Info(id).has_value());
    EXPECT_TRUE(app->Rooms(id).empty());
    EXPECT_EQ(app->State(id), SessionState::kClosed);
    app->Settle(id, 1);
    app.Publish("room", "x", {id});
    app->Broadcast(Application::Data("x"), 1, kSendText, "", {id});
    app->Flush();
  }
}

// ---- descriptors ----

// No descriptor is left but `spare` of them, until it goes.
class FewDescriptors {
 public:
  explicit FewDescriptors(int spare) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int highest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    rlimit low = before_;
    low.rlim_cur = rlim_t(highest) + 64;
    setrlimit(RLIMIT_NOFILE, &low);
    for (int fd = highest; fd >= 0; fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) {
      fillers_.push_back(fd);
    }
    Free(spare);
  }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;
  ~FewDescriptors() {
    Free(int(fillers_.size()));
    setrlimit(RLIMIT_NOFILE, &before_);
  }
  void Free(int count) {
    for (; count > 0 && !fillers_.empty(); count--) {
      close(fillers_.back());
      fillers_.pop_back();
    }
  }

 private:
  rlimit before_{};
  std::vector<int> fillers_;
};

TEST(DescriptorsTest, WithoutDescriptorsAcceptingPausesAndRecovers) {
  Application app(Application::Threads(2));
  app.AddEndpoint();
  const uint16_t port = app.Listen();
  app->SetLogLevel(1);
  std::vector<WsClient> clients;
  for (int i = 0; i < 8; i++) clients.push_back(WsClient::Tcp());
  {
    FewDescriptors few(3);
    for (WsClient& client : clients) {
      ASSERT_TRUE(client.Connect(port));
      client.Write(UpgradeHead("/"));
    }
    ASSERT_TRUE(app.Until([&] { return app.Count(EventKind::kOpen) == 3; }));
    EXPECT_NE(app.Await(EventKind::kLog).payload.find("EMFILE"), std::string::npos);
    const uint64_t rounds = app.Stat("rounds");
    for (int i = 0; i < 5; i++) app.Await(EventKind::kLog);  // it tries again, now and then
    EXPECT_LT(app.Stat("rounds") - rounds, 100u);
    // Those who are in are served.
    EXPECT_EQ(clients[0].ReadStatus(), 101);
    clients[0].SendText("served");
    EXPECT_EQ(app.Await(EventKind::kMessage).payload, "served");
  }
  for (size_t i = 1; i < clients.size(); i++) EXPECT_EQ(clients[i].ReadStatus(), 101);
}

TEST(DescriptorsTest, ADoorThatOpensWhileAcceptingIsPausedDoesNotSpin) {
  Application app;
  app.AddEndpoint();
  const uint16_t port = app.Listen();
  app->SetLogLevel(1);
  WsClient first = WsClient::Tcp(), second = WsClient::Tcp();
  {
    FewDescriptors few(0);
    ASSERT_TRUE(first.Connect(port));
    app.Await(EventKind::kLog);
    app.Await(EventKind::kLog);  // the next try is 100 ms away
    few.Free(1);
    const uint16_t other_port = app.Listen();
    const uint64_t rounds = app.Stat("rounds");
    ASSERT_TRUE(second.Connect(other_port));
    for (int i = 0; i < 3; i++) app.Await(EventKind::kLog);
    EXPECT_LT(app.Stat("rounds") - rounds, 100u);
  }
  EXPECT_TRUE(first.Upgrade("/"));
  EXPECT_TRUE(second.Upgrade("/"));
}

TEST(DescriptorsTest, AShutdownWhileAcceptingIsPausedEnds) {
  Application app;
  app.AddEndpoint();
  const uint16_t port = app.Listen();
  app->SetLogLevel(1);
  WsClient client = WsClient::Tcp();
  FewDescriptors few(0);
  ASSERT_TRUE(client.Connect(port));
  app.Await(EventKind::kLog);
  app.ShutDown();
}

TEST(DescriptorsTest, AnEngineThatCannotBeMadeSaysSo) {
  const size_t before = CountFds();
  for (int spare = 0; spare < 12; spare++) {
    FewDescriptors few(spare);
    EngineOptions options;
    options.threads = 2;
    std::unique_ptr<Engine> engine;
    const Status status = Engine::Create(
        options, [] {}, &engine);
    EXPECT_EQ(status.ok(), engine != nullptr);
    if (spare < 4) {
      EXPECT_FALSE(status.ok());
    }
  }
  EXPECT_EQ(CountFds(), before);
}

// ---- stopping ----

TEST(StopTest, AnEngineThatNobodyUsedIsDestroyed) {
  const size_t before = CountFds();
  for (int i = 0; i < 5; i++) {
    { Application app(Application::Threads(3)); }
    {
      Application app;
      app.AddEndpoint();
      app.Listen();
    }
    {
      Application app;
      app->Stop();
      app->Stop();
      app.DestroyEngine();
    }
  }
  EXPECT_EQ(CountFds(), before);
}

TEST(StopTest, ShutdownSaysGoodbyeToAllAndTheStoppedEventIsTheLast) {
  for (const uint32_t threads : {1u, 2u, 4u}) {
    Application app(Application::Threads(threads));
    app.AddEndpoint();
    const uint16_t port = app.Listen();
    std::vector<WsClient> clients;
    SessionId id;
    for (int i = 0; i < 20; i++) clients.push_back(app.Connect(&id));
    app.Send(id, "before");
    app->Shutdown(1001, "restart", 8'000);
    app->Shutdown(4000, "twice", 1);
    EXPECT_EQ(clients.back().ReadText(), "before");
    for (WsClient& client : clients) {
      Frame close = client.ReadClose();
      EXPECT_EQ(close.payload, CloseBody(1001, "restart"));
      client.SendFrame(0x88, close.payload);
      EXPECT_TRUE(client.AtEnd());
    }
    ASSERT_TRUE(app.Until([&] { return app.Count(EventKind::kStopped) == 1; }));
    app.Drain();
    EXPECT_EQ(app.told.back().kind, EventKind::kStopped);
    EXPECT_EQ(app.Count(EventKind::kClose), clients.size());
    for (const ToldEvent& event : app.told) {
      if (event.kind != EventKind::kClose) continue;
      EXPECT_EQ(event.cause(), CloseCause::kShutdown);
      EXPECT_TRUE(event.was_clean());
    }
    app->Join();
    app->Join();
    EXPECT_EQ(app->connection_count(), 0u);
    EXPECT_FALSE(WsClient::Tcp().Connect(port));
    // Late calls are quiet.
    EXPECT_EQ(app.Send(id, "late"), SendResult::kGone);
    EXPECT_FALSE(app->Close(id, 1000, "", CloseCause::kApplication));
    EXPECT_EQ(app->Join(id, "room"), JoinResult::kGone);
    app.Publish("room", "late");
    app->Flush();
    app->Shutdown(1001, "", 0);
  }
}

TEST(StopTest, WhoDoesNotAnswerIsGoneWhenTheGraceIsOver) {
  Application app(Application::Threads(2));
  app.AddEndpoint();
  app.Listen();
  std::vector<WsClient> clients;
  for (int i = 0; i < 4; i++) clients.push_back(app.Connect());
  WsClient mute = WsClient::ToPort(app.Listen());  // never says a word
  const auto start = steady_clock::now();
  app.ShutDown(200);
  EXPECT_GE(MsSince(start), 190);
  EXPECT_EQ(app.Count(EventKind::kClose), clients.size());
  EXPECT_TRUE(mute.AtEnd());
  for (WsClient& client : clients) {
    EXPECT_EQ(client.ReadClose().close_code(), 1001);
    EXPECT_TRUE(client.AtEnd());
  }
}

TEST(StopTest, NothingIsTakenAfterTheStoppedEventEvenByADrainThatWasUnderWay) {
  Application app(Application::Threads(2));
  app.AddEndpoint();
  app.Listen();
  std::vector<WsClient> clients(2);
  std::vector<SessionId> ids(2);
  for (size_t i = 0; i < 2; i++) clients[i] = app.Connect(&ids[i]);
  ASSERT_NE(ids[0].reactor(), ids[1].reactor());
  if (ids[0].reactor() == 1) std::swap(clients[0], clients[1]);
  app->Shutdown(1001, "", 8'000);
  app.DrainReactor(0);  // a drain has just passed reactor 0 when its session ends, then reactor 1
  for (WsClient& client : clients) {
    client.SendFrame(0x88, client.ReadClose().payload);
    EXPECT_TRUE(client.AtEnd());
    client.Drop();
  }
  app->Join();
  app.DrainReactor(1);
  app.Drain();
  EXPECT_EQ(app.Count(EventKind::kStopped), 1u);
  EXPECT_EQ(app.told.back().kind, EventKind::kStopped);
  EXPECT_EQ(app.Count(EventKind::kClose), 2u);
}

TEST(StopTest, AClientWhoseHeadComesDuringTheShutdownIsRefused) {
  Application app;
  EndpointOptions endpoint = ToldEndpoint();
  endpoint.close_timeout_ms = kPatienceMs;
  app.AddEndpoint(endpoint);
  const uint16_t port = app.Listen();
  WsClient early = app.Connect(), late = WsClient::ToPort(port);
  ASSERT_TRUE(app.Until([&] { return app.Stat("connections") == 2; }));
  app->Shutdown(1001, "", kPatienceMs);
  EXPECT_EQ(early.ReadClose().close_code(), 1001);
  late.Write(UpgradeHead("/"));
  EXPECT_EQ(late.ReadStatus(), 503);
  early.SendClose(1001);
  ASSERT_TRUE(app.Until([&] { return app.Count(EventKind::kStopped) == 1; }));
  EXPECT_EQ(app.Count(EventKind::kOpen), 1u);
}

TEST(StopTest, AVerdictDuringTheShutdownOpensNobody) {
  Application app;
  EndpointOptions endpoint = ToldEndpoint();
  endpoint.close_timeout_ms = kPatienceMs;
  app.AddEndpoint(endpoint);
  endpoint.pattern = "/asked";
  endpoint.authenticate = true;
  app.AddEndpoint(endpoint);
  const uint16_t port = app.Listen();
  WsClient early = app.Connect(), asked = WsClient::ToPort(port);
  asked.Write(UpgradeHead("/asked"));
  const SessionId id = app.Await(EventKind::kAuthenticate).id;
  app->Shutdown(1001, "", kPatienceMs);
  EXPECT_EQ(early.ReadClose().close_code(), 1001);
  app->Accept(id, "", std::nullopt);
  EXPECT_EQ(asked.ReadStatus(), 503);
  app.Await(EventKind::kAbort, id);  // else the application would wait for its open
  early.SendClose(1001);
  ASSERT_TRUE(app.Until([&] { return app.Count(EventKind::kStopped) == 1; }));
  EXPECT_EQ(app.Count(EventKind::kOpen), 1u);
}

TEST(StopTest, ADescriptorThatIsAdoptedTooLateIsClosed) {
  const size_t before = CountFds();
  {
    Application app(Application::Threads(2));
    app.AddEndpoint();
    std::vector<WsClient> clients;
    const auto adopt = [&] {
      int pair[2];
      ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
      clients.emplace_back(pair[0]);
      app->Adopt(pair[1], UpgradeHead("/"), 0);
      close(pair[1]);
    };
    for (int i = 0; i < 10; i++) adopt();
    app->Shutdown(1001, "", 0);
    for (int i = 0; i < 10; i++) adopt();
    ASSERT_TRUE(app.Until([&] { return app.Count(EventKind::kStopped) == 1; }));
    for (int i = 0; i < 10; i++) adopt();
    app->Join();
    adopt();
    for (WsClient& client : clients) client.ReadToEnd();  // every one of them ends
    EXPECT_EQ(app->connection_count(), 0u);
  }
  EXPECT_EQ(CountFds(), before);
}

TEST(StopTest, ADoorAfterTheShutdownIsNotLeftOpen) {
  Application app;
  app.AddEndpoint();
  app.ShutDown();
  ListenOptions options;
  options.host = "127.0.0.1";
  ListenResult result;
  const Status status = app->Listen(options, &result);
  EXPECT_FALSE(status.ok());
  EXPECT_FALSE(result.port != 0 && WsClient::Tcp().Connect(result.port));
}

TEST(StopTest, StopInTheMidstOfTrafficEndsEverybody) {
  const size_t before = CountFds();
  for (int round = 0; round < 6; round++) {
    Application app(Application::Threads(2));
    EndpointOptions endpoint = ToldEndpoint();
    endpoint.publish_to = "all";
    endpoint.authenticate = round % 2 == 1;
    app.AddEndpoint(endpoint);
    const uint16_t port = app.Listen();
    std::atomic<int> received{0};
    std::atomic<bool> stopping{false};
    std::vector<std::thread> clients;
    for (int c = 0; c < 4; c++) {
      clients.emplace_back([&, c] {
        std::minstd_rand random(unsigned(c + 1));
        while (!stopping) {
          WsClient client = WsClient::Tcp();
          if (!client.Connect(port)) return;
          if (!client.Upgrade("/")) continue;
          for (unsigned i = random() % 60; i > 0; i--) {
            if (!client.SendText("from a client")) break;
            if (client.ReadFrame().first_byte == 0) break;
            received++;
          }
          if (random() % 2 == 0) client.SendClose(1000);
          if (random() % 3 == 0) client.Reset();
        }
      });
    }
    std::minstd_rand random(unsigned(round) + 1);
    std::vector<SessionId> ids;
    app.on_event = [&](const ToldEvent& event) {
      if (event.kind == EventKind::kAuthenticate) app->Accept(event.id, "", "ann");
      if (event.kind == EventKind::kOpen) ids.push_back(event.id);
      return random() % 8 != 0;
    };
    ASSERT_TRUE(app.Until([&] {
      for (int i = 0; i < 8 && !ids.empty(); i++) {
        const SessionId id = ids[random() % ids.size()];
        app->Join(id, "room");
        app.Send(id, "to you");
        app.Publish("room", std::string(random() % 6'000, 'x'));
        app->Settle(id, 13);  // a late one, or a double one: never a crash
        if (random() % 4 == 0) app->Leave(id, "room");
        if (random() % 16 == 0) app->Close(id, 4000, "out", CloseCause::kApplication);
        if (random() % 16 == 0) app->Terminate(id, CloseCause::kApplication);
      }
      return received > 400;
    }));
    stopping = true;
    if (round % 3 == 0) {
      app->Stop();
    } else if (round % 3 == 1) {
      app->Shutdown(1001, "", 50);
      app->Stop();
    }
    app.DestroyEngine();
    for (std::thread& client : clients) client.join();
  }
  EXPECT_EQ(CountFds(), before);
}

TEST(StopTest, TwoEnginesLiveAndDieApart) {
  Application first, second(Application::Threads(2));
  first.AddEndpoint();
  second.AddEndpoint();
  first.Listen();
  second.Listen();
  SessionId a, b;
  WsClient to_first = first.Connect(&a), to_second = second.Connect(&b);
  first->Join(a, "room");
  second->Join(b, "room");
  first.Publish("room", "of the first");
  first->Flush();
  EXPECT_EQ(to_first.ReadText(), "of the first");
  EXPECT_FALSE(to_second.HasInput());
  std::thread ends([&] { first.DestroyEngine(); });
  for (int i = 0; i < 100; i++) {
    second.Send(b, std::to_string(i));
    second->Flush();
    ASSERT_EQ(to_second.ReadText(), std::to_string(i));
  }
  ends.join();
  EXPECT_TRUE(to_first.AtEnd());
  Application third;
  third.AddEndpoint();
  third.Listen();
  EXPECT_TRUE(third.Connect().SendText("x"));
}

// ---- churn ----

TEST(ChurnTest, TwoThousandClientsDropAtOnceAndReturn) {
  constexpr size_t kClients = 2'000;
  const size_t fds = CountFds();
  {
    Application app(Application::Threads(2));
    EndpointOptions endpoint = ToldEndpoint("/:room");
    endpoint.publish_to = "room/:room";
    app.AddEndpoint(endpoint);
    const uint16_t port = app.Listen();
    const size_t fds_idle = CountFds();
    size_t opened = 0, closed = 0;
    app.on_event = [&](const ToldEvent& event) {
      opened += event.kind == EventKind::kOpen;
      closed += event.kind == EventKind::kClose;
      return true;
    };
    std::vector<WsClient> clients(kClients);
    for (size_t wave = 1; wave <= 3; wave++) {
      for (size_t i = 0; i < kClients; i++) {
        if (wave % 2 == 0) {
          clients[i].Reset();
        } else {
          clients[i].Drop();
        }
        clients[i] = WsClient::ToPort(port);
        clients[i].Write(UpgradeHead(i % 2 == 0 ? "/even" : "/odd"));
      }
      ASSERT_TRUE(app.Until([&] { return opened == wave * kClients; }));
      ASSERT_TRUE(app.Until([&] { return closed == (wave - 1) * kClients; }));
      for (WsClient& client : clients) ASSERT_EQ(client.ReadStatus(), 101);
      EXPECT_EQ(app->ChannelSize(ChannelKind::kRoom, "room/even"), kClients / 2);
      app.Publish("room/odd", "all there?");
      app->Flush();
      for (size_t i = 1; i < kClients; i += 2) ASSERT_EQ(clients[i].ReadText(), "all there?");
      app.told.clear();
    }
    clients.clear();
    ASSERT_TRUE(app.Until([&] { return closed == opened; }));
    ASSERT_TRUE(app.Until([&] { return app->connection_count() == 0; }));
    EXPECT_EQ(app.Stat("channels"), 0u);
    EXPECT_EQ(app.Stat("sessions"), 0u);
    EXPECT_EQ(app.Stat("connections"), 0u);
    EXPECT_EQ(app.Stat("opened"), opened);
    EXPECT_EQ(app.Stat("outboxBytes"), 0u);
    EXPECT_TRUE(app->Sessions(-1).empty());
    EXPECT_EQ(CountFds(), fds_idle);
    app.ShutDown();
  }
  EXPECT_EQ(CountFds(), fds);
}

}  // namespace
}  // namespace fanwire::test
