// Application: an engine and the one thread that calls it, which drains its events as the binding does.
// Path:      reactors -> slabs -> [application] -> test
// Threading: the test's own thread; the doorbell rings from any.
// Lifetime:  owns its engine; what it was told stays in `told` until the test takes it.
#ifndef FANWIRE_TEST_APPLICATION_H_
#define FANWIRE_TEST_APPLICATION_H_

#include <dirent.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fanwire/engine.h"
#include "test/native/engine/told_event.h"
#include "test/native/engine/ws_client.h"

namespace fanwire::test {

// Descriptors that are open in this process.
inline size_t CountFds() {
  size_t count = 0;
  DIR* directory = opendir("/proc/self/fd");
  while (readdir(directory) != nullptr) count++;
  closedir(directory);
  return count;
}

// A directory for Unix sockets, gone with the test.
class ScratchDirectory {
 public:
  ScratchDirectory() { EXPECT_NE(mkdtemp(path_.data()), nullptr); }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() { rmdir(path_.c_str()); }
  std::string Path(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_ = "/tmp/fanwire-test-XXXXXX";
};

// An endpoint at "/" that tells everything.
inline EndpointOptions ToldEndpoint(std::string pattern = "/") {
  EndpointOptions options;
  options.pattern = std::move(pattern);
  options.deliver = options.open = options.close = true;
  return options;
}

class Application {
 public:
  explicit Application(EngineOptions options = {}) {
    const Status status = Engine::Create(
        options,
        [this] {
          {
            std::lock_guard<std::mutex> lock(mutex_);
            rung_ = true;
          }
          bell_.notify_one();
        },
        &engine_);
    EXPECT_TRUE(status.ok()) << status.message();
  }
  static EngineOptions Threads(uint32_t threads) {
    EngineOptions options;
    options.threads = threads;
    return options;
  }

  Engine* operator->() { return engine_.get(); }
  Engine& engine() { return *engine_; }
  void DestroyEngine() { engine_.reset(); }

  // ---- doors ----

  uint16_t AddEndpoint(const EndpointOptions& options = ToldEndpoint()) {
    uint16_t index = 0;
    const Status status = engine_->AddEndpoint(options, &index);
    EXPECT_TRUE(status.ok()) << status.message();
    return index;
  }
  uint16_t Listen() {
    ListenOptions options;
    options.host = "127.0.0.1";
    options.backlog = 4096;
    ListenResult result;
    const Status status = engine_->Listen(options, &result);
    EXPECT_TRUE(status.ok()) << status.message();
    return port_ = result.port;
  }
  // A Unix socket's buffers are small and never grow: what is slow is slow at once.
  void ListenAt(const std::string& path) {
    ListenOptions options;
    options.path = path_ = path;
    ListenResult result;
    const Status status = engine_->Listen(options, &result);
    EXPECT_TRUE(status.ok()) << status.message();
  }
  WsClient Connect(std::string_view path = "/") {
    WsClient client = path_.empty() ? WsClient::ToPort(port_) : WsClient::ToPath(path_);
    EXPECT_TRUE(client.Upgrade(path));
    return client;
  }
  // ... and the session that it has become. REQUIRES: the endpoint tells of opens.
  WsClient Connect(SessionId* id, std::string_view path = "/") {
    WsClient client = Connect(path);
    *id = Await(EventKind::kOpen).id;
    return client;
  }

  // ---- events ----

  // Answers whether the event's handler has settled. Called for every event, before it is in `told`.
  std::function<bool(const ToldEvent&)> on_event = [](const ToldEvent&) { return true; };
  std::vector<ToldEvent> told;

  // One ring of the bell: all that there is, in the binding's way.
  void Drain() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      rung_ = false;
    }
    for (size_t r = 0; r < engine_->reactor_count(); r++) DrainReactor(r);
    engine_->Flush();
  }
  void DrainReactor(size_t reactor) {
    std::vector<SlabRange> ranges;
    engine_->TakeEvents(reactor, ranges);
    for (const SlabRange& range : ranges) {
      WalkRange(range, [&](const ToldEvent& event) {
        const bool settled = on_event(event);
        told.push_back(event);
        return settled;
      });
      engine_->SettleRange(range);
      if (range.retired) engine_->RetireSlab(reactor, range.slab);
    }
  }

  // Drains until `done()`; looks again at every ring, and now and then for what rings no bell.
  template <typename Done>
  [[nodiscard]] bool Until(Done&& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
    for (;;) {
      Drain();
      if (done()) return true;
      std::unique_lock<std::mutex> lock(mutex_);
      if (std::chrono::steady_clock::now() > deadline) return false;
      bell_.wait_for(lock, std::chrono::milliseconds(2), [&] { return rung_; });
    }
  }
  // Takes the first event of that kind (of that session) out of `told`; waits for it.
  ToldEvent Await(EventKind kind, SessionId id = {}) {
    ToldEvent event;
    const bool came = Until([&] {
      for (auto e = told.begin(); e != told.end(); ++e) {
        if (e->kind != kind || (id && e->id != id)) continue;
        event = std::move(*e);
        told.erase(e);
        return true;
      }
      return false;
    });
    EXPECT_TRUE(came) << "no event of kind " << int(kind);
    if (!came) event.payload.resize(4);
    return event;
  }
  size_t Count(EventKind kind, SessionId id = {}) const {
    size_t count = 0;
    for (const ToldEvent& event : told) count += event.kind == kind && (!id || event.id == id);
    return count;
  }
  // The messages told so far, in order.
  std::vector<std::string> Texts(SessionId id) const {
    std::vector<std::string> texts;
    for (const ToldEvent& event : told) {
      if (event.kind == EventKind::kMessage && event.id == id) texts.push_back(event.payload);
    }
    return texts;
  }
  uint64_t Stat(std::string_view name) const {
    for (const auto& [key, value] : engine_->Stats().total) {
      if (name == key) return value;
    }
    ADD_FAILURE() << "no counter " << name;
    return 0;
  }

  // ---- calls ----

  SendResult Send(SessionId id, std::string_view text, uint8_t flags = kSendText) {
    return engine_->Send(id, Data(text), text.size(), flags, "");
  }
  SendResult Publish(std::string_view room, std::string_view text,
                     const std::vector<SessionId>& except = {}) {
    return engine_->Publish(ChannelKind::kRoom, room, Data(text), text.size(), kSendText, "",
                            except);
  }
  static const uint8_t* Data(std::string_view text) {
    return reinterpret_cast<const uint8_t*>(text.data());
  }

  // Shuts down and joins; the last event is kStopped.
  void ShutDown(uint32_t grace_ms = 0) {
    engine_->Shutdown(1001, "", grace_ms);
    ASSERT_TRUE(Until([&] { return Count(EventKind::kStopped) != 0; }));
    engine_->Join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable bell_;
  bool rung_ = false;
  uint16_t port_ = 0;
  std::string path_;
  std::unique_ptr<Engine> engine_;  // its threads end before the bell goes
};

}  // namespace fanwire::test

#endif  // FANWIRE_TEST_APPLICATION_H_
