#include "net/epoll_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "test/native/engine/ws_client.h"

namespace fanwire::test {
namespace {

using std::chrono::steady_clock;

class EpollLoopTest : public testing::Test, protected ReadyHandler {
 protected:
  EpollLoopTest() {
    EXPECT_TRUE(loop_.Open().ok());
    lws_set_log_level(LLL_ERR | LLL_WARN, nullptr);
    void* loops[1] = {&loop_};
    lws_context_creation_info info{};
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    info.event_lib_custom = EpollLoop::EventLibrary();
    info.foreign_loops = loops;
    context_ = lws_create_context(&info);
    loop_.set_context(context_);
  }
  ~EpollLoopTest() override { lws_context_destroy(context_); }

  void OnReady(int fd) override {
    served_++;
    char byte;
    EXPECT_EQ(read(fd, &byte, 1), 1);
  }
  // How long a wait of at most `timeout_ms` took.
  int64_t WaitMs(int timeout_ms, bool mail = false) {
    const auto start = steady_clock::now();
    loop_.Wait(
        timeout_ms, [&] { return mail; }, [] {});
    return std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - start)
        .count();
  }

  EpollLoop loop_;
  lws_context* context_ = nullptr;
  int served_ = 0;
};

TEST_F(EpollLoopTest, AWakeBetweenTheMailCheckAndTheSleepIsNotLost) {
  for (int i = 0; i < 100; i++) {
    const auto start = steady_clock::now();
    bool awake = false;
    const auto meet = [&] {
      EXPECT_TRUE(loop_.Wake());   // the mail comes right after the check has said no
      EXPECT_FALSE(loop_.Wake());  // one is enough
      return false;
    };
    loop_.Wait(kPatienceMs, meet, [&] { awake = true; });
    EXPECT_TRUE(awake);
    ASSERT_LT(steady_clock::now() - start, std::chrono::milliseconds(kPatienceMs / 2));
  }
}

TEST_F(EpollLoopTest, MailThatIsThereIsNotSleptOver) {
  EXPECT_LT(WaitMs(kPatienceMs, true), 5'000);
}

TEST_F(EpollLoopTest, ALoopThatIsAwakeCostsNoWake) { EXPECT_FALSE(loop_.Wake()); }

TEST_F(EpollLoopTest, NoPostIsSleptOverHoweverTheThreadsMeet) {
  constexpr int kPosts = 20'000;
  std::atomic<int> posted{0}, seen{0};
  std::thread poster([&] {
    for (int i = 1; i <= kPosts; i++) {
      posted.store(i);
      loop_.Wake();
      while (seen.load() < i) std::this_thread::yield();
    }
  });
  while (seen.load() < kPosts) {
    const auto start = steady_clock::now();
    loop_.Wait(
        kPatienceMs, [&] { return posted.load() != seen.load(); }, [] {});
    EXPECT_LT(steady_clock::now() - start, std::chrono::milliseconds(kPatienceMs / 2));
    seen.store(posted.load());
  }
  poster.join();
}

TEST_F(EpollLoopTest, AHandlerIsServedUntilItIsPausedOrRemoved) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  ASSERT_TRUE(loop_.AddHandler(pair[0], this).ok());
  ASSERT_EQ(write(pair[1], "12345", 5), 5);
  WaitMs(kPatienceMs);
  EXPECT_EQ(served_, 1);
  loop_.SetHandlerActive(pair[0], false);
  WaitMs(0);
  WaitMs(0);
  EXPECT_EQ(served_, 1);
  loop_.SetHandlerActive(pair[0], true);
  WaitMs(kPatienceMs);
  EXPECT_EQ(served_, 2);
  loop_.RemoveHandler(pair[0]);
  WaitMs(0);
  EXPECT_EQ(served_, 2);
  close(pair[0]);
  close(pair[1]);
}

TEST_F(EpollLoopTest, ABriefWaitEndsInTimeAndAtAWake) {
  WaitMs(0);  // what libwebsockets has begun with
  EXPECT_FALSE(loop_.WaitBriefly(100'000, [] { return false; }));
  EXPECT_TRUE(loop_.WaitBriefly(900'000'000, [&] { return !loop_.Wake(); }));
  EXPECT_FALSE(loop_.WaitBriefly(900'000'000, [] { return true; }));
}

}  // namespace
}  // namespace fanwire::test
