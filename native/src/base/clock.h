// Clock: monotonic milliseconds, behind an interface so that tests can turn it by hand.
// Path:      beside the data path; read once a loop round.
// Threading: SteadyClock is safe from any thread; ManualClock belongs to one.
// Lifetime:  outlives whoever holds a reference to it.
#ifndef FANWIRE_BASE_CLOCK_H_
#define FANWIRE_BASE_CLOCK_H_

#include <chrono>
#include <cstdint>

namespace fanwire {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t NowMs() const = 0;
};

class SteadyClock final : public Clock {
 public:
  int64_t NowMs() const override {
    using std::chrono::duration_cast, std::chrono::milliseconds, std::chrono::steady_clock;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
  }
};

class ManualClock final : public Clock {
 public:
  int64_t NowMs() const override { return now_ms_; }
  void Advance(int64_t ms) { now_ms_ += ms; }

 private:
  int64_t now_ms_ = 1'000'000;
};

}  // namespace fanwire

#endif  // FANWIRE_BASE_CLOCK_H_
