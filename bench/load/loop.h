// Loop: one epoll set; serves whatever is ready, one round per Step().
// Path:      kernel -> [loop] -> connection -> scenario
// Threading: single-threaded program.
// Lifetime:  outlives its handlers; a handler removes its fd (or closes it) before it goes.
#ifndef FANWIRE_BENCH_LOAD_LOOP_H_
#define FANWIRE_BENCH_LOAD_LOOP_H_

#include <cstdint>

namespace fanwire::bench {

// Monotonic time in nanoseconds.
int64_t NowNs();

class Loop {
 public:
  class Handler {
   public:
    virtual void OnReady(uint32_t epoll_events) = 0;

   protected:
    ~Handler() = default;
  };

  // `limit_ms`: Step() fails the run after that time.
  explicit Loop(uint32_t limit_ms);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void Add(int fd, uint32_t epoll_events, Handler* handler);
  void Change(int fd, uint32_t epoll_events, Handler* handler);

  // Serves one round of events; sleeps until `wake_ns` at the latest when there are none.
  void Step(int64_t wake_ns);

 private:
  const int epoll_;
  const int64_t limit_ns_;
};

}  // namespace fanwire::bench

#endif  // FANWIRE_BENCH_LOAD_LOOP_H_
