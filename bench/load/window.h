// Window: warm-up, the measured stretch, and what was counted in it.
// Path:      scenario -> [window] -> report
// Threading: single-threaded program.
// Lifetime:  one per run.
#ifndef FANWIRE_BENCH_LOAD_WINDOW_H_
#define FANWIRE_BENCH_LOAD_WINDOW_H_

#include <cstdint>
#include <functional>

#include "histogram.h"
#include "loop.h"
#include "options.h"
#include "report.h"
#include "server_process.h"

namespace fanwire::bench {

class Window {
 public:
  Window(Loop* loop, const Options& options);

  // Warms up, measures, returns. `pace(now_ns)` is called before each round of the loop and says
  // when it wants to be called again at the latest. Sending should stop when Run() has returned.
  void Run(const std::function<int64_t(int64_t now_ns)>& pace);

  // For loads that end by count: the measured stretch by hand.
  void Begin();
  void End();

  // Counts a message (or a connection) and how long it took, if the measured stretch is on.
  void Count(int64_t latency_ns) {
    if (measuring_) latencies_.Add(latency_ns);
  }

  // Steps the loop until `done()`; fails with `what` after ten seconds.
  void WaitUntil(const std::function<bool()>& done, const char* what);

  bool sending() const { return sending_; }
  const ServerProcess& server() const { return server_; }

  // Adds messages, seconds, rate, latencies and CPU per message.
  void Describe(Report* report) const;

 private:
  Loop* const loop_;
  const Options& options_;
  const ServerProcess server_;
  bool sending_ = true;
  bool measuring_ = false;
  Histogram latencies_;
  int64_t wall_ns_ = 0;
  int64_t server_cpu_ns_ = 0;
  int64_t client_cpu_ns_ = 0;
};

}  // namespace fanwire::bench

#endif  // FANWIRE_BENCH_LOAD_WINDOW_H_
