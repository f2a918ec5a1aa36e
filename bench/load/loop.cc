#include "loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "fail.h"

namespace fanwire::bench {

int64_t NowNs() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000ll + time.tv_nsec;
}

Loop::Loop(uint32_t limit_ms)
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      limit_ns_(NowNs() + static_cast<int64_t>(limit_ms) * 1'000'000) {
  if (epoll_ < 0) FailErrno("epoll_create1");
}

Loop::~Loop() { close(epoll_); }

void Loop::Add(int fd, uint32_t epoll_events, Handler* handler) {
  epoll_event event{.events = epoll_events, .data = {.ptr = handler}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) FailErrno("epoll_ctl add");
}

void Loop::Change(int fd, uint32_t epoll_events, Handler* handler) {
  epoll_event event{.events = epoll_events, .data = {.ptr = handler}};
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) != 0) FailErrno("epoll_ctl mod");
}

void Loop::Step(int64_t wake_ns) {
  const int64_t now = NowNs();
  if (now > limit_ns_) Fail("the run took longer than --limit-ms");
  const int64_t sleep_ns = std::clamp<int64_t>(wake_ns - now, 0, 100'000'000);
  const timespec timeout{.tv_sec = 0, .tv_nsec = sleep_ns};
  std::array<epoll_event, 1024> events;
  const int ready = epoll_pwait2(epoll_, events.data(), events.size(), &timeout, nullptr);
  if (ready < 0 && errno != EINTR) FailErrno("epoll_wait");
  for (int i = 0; i < ready; ++i) {
    static_cast<Handler*>(events[i].data.ptr)->OnReady(events[i].events);
  }
}

}  // namespace fanwire::bench
