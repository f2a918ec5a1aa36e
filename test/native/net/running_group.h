// RunningGroup: reactors with routes and a door, driven by commands, without an engine around them.
// Path:      test -> [running_group] -> mailbox -> reactor -> slabs -> test
// Threading: the test's own thread; the doorbell rings from any.
// Lifetime:  stops and joins its reactors.
#ifndef FANWIRE_TEST_RUNNING_GROUP_H_
#define FANWIRE_TEST_RUNNING_GROUP_H_

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "net/reactor_group.h"
#include "test/native/engine/told_event.h"
#include "test/native/engine/ws_client.h"

namespace fanwire::test {

class RunningGroup {
 public:
  RunningGroup(const EngineOptions& options, std::vector<EndpointOptions> endpoints)
      : group_(options, [this] {
          {
            std::lock_guard<std::mutex> lock(mutex_);
            rung_ = true;
          }
          bell_.notify_one();
        }) {
    auto routes = std::make_shared<const RouteTable>();
    for (EndpointOptions& endpoint : endpoints) {
      std::shared_ptr<const Endpoint> made;
      EXPECT_TRUE(Endpoint::Make(uint16_t(routes->size()), std::move(endpoint), &made).ok());
      routes = routes->With(made);
    }
    ListenOptions listen;
    listen.host = "127.0.0.1";
    ListenResult result;
    std::shared_ptr<Listener> listener;
    EXPECT_TRUE(Listener::Open(listen, &listener, &result).ok());
    port_ = result.port;
    const Status status = group_.Start();
    EXPECT_TRUE(status.ok()) << status.message();
    for (size_t i = 0; i < group_.size(); i++) {
      Command command;
      command.kind = CommandKind::kRoutes;
      command.rare = std::make_unique<RareFields>();
      command.rare->routes = routes;
      Post(i, std::move(command));
    }
    Command command;
    command.kind = CommandKind::kListen;
    command.rare = std::make_unique<RareFields>();
    command.rare->listener = std::move(listener);
    Post(0, std::move(command));
  }
  ~RunningGroup() { group_.Stop(); }

  WsClient Connect() { return WsClient::ToPort(port_); }
  Reactor& reactor(size_t i = 0) { return group_.reactor(i); }
  ReactorGroup& group() { return group_; }

  void Post(size_t reactor, Command command) {
    group_.reactor(reactor).mailbox().PostWith(
        0, [&](Batch& batch) { batch.commands.push_back(std::move(command)); });
    group_.reactor(reactor).Wake();
  }
  // The verdict on an authenticate.
  void Accept(SessionId id, std::string lines = "") {
    Command command;
    command.kind = CommandKind::kAccept;
    command.id = id;
    command.rare = std::make_unique<RareFields>();
    command.rare->text = std::move(lines);
    Post(id.reactor(), std::move(command));
  }
  void Refuse(SessionId id, uint16_t status, std::string lines, std::string body) {
    Command command;
    command.kind = CommandKind::kRefuse;
    command.id = id;
    command.code = status;
    command.rare = std::make_unique<RareFields>();
    command.rare->lines = std::move(lines);
    command.rare->text = std::move(body);
    Post(id.reactor(), std::move(command));
  }

  // Waits for `done()`, which is looked at after every ring and now and then.
  template <typename Done>
  [[nodiscard]] bool Until(Done&& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
    for (;;) {
      TakeEvents();
      if (done()) return true;
      std::unique_lock<std::mutex> lock(mutex_);
      if (std::chrono::steady_clock::now() > deadline) return false;
      bell_.wait_for(lock, std::chrono::milliseconds(2), [&] { return rung_; });
    }
  }
  // The first event of that kind, out of `told`.
  ToldEvent Await(EventKind kind) {
    ToldEvent event;
    EXPECT_TRUE(Until([&] {
      for (auto e = told.begin(); e != told.end(); ++e) {
        if (e->kind != kind) continue;
        event = std::move(*e);
        told.erase(e);
        return true;
      }
      return false;
    })) << "no event of kind "
        << int(kind);
    return event;
  }
  size_t Count(EventKind kind) const {
    size_t count = 0;
    for (const ToldEvent& event : told) count += event.kind == kind;
    return count;
  }

  std::vector<ToldEvent> told;

 private:
  // Settles opens and messages at once; ids stay taken.
  void TakeEvents() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      rung_ = false;
    }
    for (size_t r = 0; r < group_.size(); r++) {
      std::vector<SlabRange> ranges;
      group_.reactor(r).events().Take(ranges);
      for (const SlabRange& range : ranges) {
        WalkRange(range, [&](const ToldEvent& event) {
          told.push_back(event);
          SessionRecord* record = group_.reactor(r).table().At(event.id.index());
          bool waits = false;
          if (event.kind == EventKind::kOpen) waits = record->Settle(kCreditMessages, 0);
          if (event.kind == EventKind::kMessage) {
            waits = record->Settle(1, uint32_t(event.payload.size()));
          }
          if (!waits) return true;
          Command resume;
          resume.kind = CommandKind::kResume;
          resume.id = event.id;
          Post(r, std::move(resume));
          return true;
        });
        if (range.retired) group_.reactor(r).events().Retire(range.slab);
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable bell_;
  bool rung_ = false;
  uint16_t port_ = 0;
  ReactorGroup group_;
};

}  // namespace fanwire::test

#endif  // FANWIRE_TEST_RUNNING_GROUP_H_
