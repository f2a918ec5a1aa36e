// TimingWheel: one timer for each of very many owners, set and cleared in constant time.
// Path:      beside the data path: pings, deadlines, time-outs.
// Threading: one owner.
// Lifetime:  a Timer is a member of what it wakes and takes itself out of the wheel when it dies.
//
// Deadlines are coarse: a timer fires at most one tick late and never early.
#ifndef FANWIRE_BASE_TIMING_WHEEL_H_
#define FANWIRE_BASE_TIMING_WHEEL_H_

#include <array>
#include <cstdint>

namespace fanwire {

class TimingWheel;

class TimerOwner {
 public:
  // The timer is no longer armed: the owner may arm it again, or destroy itself.
  virtual void OnTimer() = 0;

 protected:
  ~TimerOwner() = default;
};

class Timer {
 public:
  explicit Timer(TimerOwner* owner = nullptr) : owner_(owner) {}  // none: a list's head
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { Unlink(); }

  bool armed() const { return next_ != nullptr; }
  int64_t due_ms() const { return due_ms_; }

 private:
  friend class TimingWheel;
  void Unlink();

  Timer* next_ = nullptr;
  Timer* previous_ = nullptr;
  int64_t due_ms_ = 0;
  TimingWheel* wheel_ = nullptr;
  TimerOwner* owner_ = nullptr;
};

class TimingWheel {
 public:
  static constexpr int64_t kTickMs = 32;
  static constexpr int kSlots = 1024;  // one turn is 32.8 s; later deadlines wait for their turn

  explicit TimingWheel(int64_t now_ms);
  TimingWheel(const TimingWheel&) = delete;
  TimingWheel& operator=(const TimingWheel&) = delete;
  ~TimingWheel();

  // (Re)arms `timer`.
  void Set(Timer& timer, int64_t due_ms);
  void Clear(Timer& timer) { timer.Unlink(); }

  // Fires every timer that is due.
  void Advance(int64_t now_ms);

  // How long a loop may sleep: -1 with no timer, else until the next slot that holds one. Amortised
  // constant.
  int64_t NextDelayMs(int64_t now_ms) const;
  uint32_t size() const { return size_; }

 private:
  friend class Timer;
  static void LinkBefore(Timer& head, Timer& timer);
  void Detach(int64_t tick, int64_t now_ms, Timer& due);

  std::array<Timer, kSlots> slots_;
  int64_t tick_;  // fired up to and including this one
  mutable int64_t
      earliest_tick_;  // no slot before it holds a timer; looked for again only once it has passed
  uint32_t size_ = 0;
};

}  // namespace fanwire

#endif  // FANWIRE_BASE_TIMING_WHEEL_H_
