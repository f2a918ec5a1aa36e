#include "window.h"

#include <algorithm>
#include <ctime>
#include <string>

#include "fail.h"

namespace fanwire::bench {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

int64_t OwnCpuNs() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000'000ll + time.tv_nsec;
}

}  // namespace

Window::Window(Loop* loop, const Options& options)
    : loop_(loop), options_(options), server_(options.server_pid) {}

void Window::Begin() {
  server_cpu_ns_ -= server_.CpuNs();
  client_cpu_ns_ -= OwnCpuNs();
  wall_ns_ -= NowNs();
  measuring_ = true;
}

void Window::End() {
  measuring_ = false;
  wall_ns_ += NowNs();
  client_cpu_ns_ += OwnCpuNs();
  server_cpu_ns_ += server_.CpuNs();
}

void Window::Run(const std::function<int64_t(int64_t)>& pace) {
  const auto run_until = [&](int64_t end_ns) {
    for (int64_t now = NowNs(); now < end_ns; now = NowNs()) {
      loop_->Step(std::min(pace(now), end_ns));
    }
  };
  run_until(NowNs() + options_.warm_ms * kNsPerMs);
  Begin();
  run_until(NowNs() + options_.measure_ms * kNsPerMs);
  End();
  sending_ = false;
}

void Window::WaitUntil(const std::function<bool()>& done, const char* what) {
  const int64_t limit = NowNs() + 10'000 * kNsPerMs;
  while (!done()) {
    if (NowNs() > limit) Fail(std::string("waited 10 s in vain: ") + what);
    loop_->Step(limit);
  }
}

void Window::Describe(Report* report) const {
  const auto messages = static_cast<double>(latencies_.count());
  if (latencies_.count() == 0) Fail("nothing came back in the measured time");
  const auto us = [](int64_t ns) { return static_cast<double>(ns) / 1e3; };
  report->Add("messages", messages);
  report->Add("seconds", static_cast<double>(wall_ns_) / 1e9);
  report->Add("perSecond", messages * 1e9 / static_cast<double>(wall_ns_));
  report->Add("p50Us", us(latencies_.Quantile(0.5)));
  report->Add("p99Us", us(latencies_.Quantile(0.99)));
  report->Add("maxUs", us(latencies_.max()));
  report->Add("clientCpuUsPerMessage", us(client_cpu_ns_) / messages);
  if (server_.known()) {
    report->Add("serverCpuUsPerMessage", us(server_cpu_ns_) / messages);
    report->Add("serverCpuShare",
                static_cast<double>(server_cpu_ns_) / static_cast<double>(wall_ns_));
  }
}

}  // namespace fanwire::bench
