#include "base/timing_wheel.h"

#include <algorithm>

namespace fanwire {

void Timer::Unlink() {
  if (next_ == nullptr) return;
  next_->previous_ = previous_;
  previous_->next_ = next_;
  next_ = previous_ = nullptr;
  if (wheel_ != nullptr) wheel_->size_--;
  wheel_ = nullptr;
}

TimingWheel::TimingWheel(int64_t now_ms) : tick_(now_ms / kTickMs), earliest_tick_(tick_) {
  for (Timer& head : slots_) head.next_ = head.previous_ = &head;
}

TimingWheel::~TimingWheel() {
  for (Timer& head : slots_) {
    while (head.next_ != &head) head.next_->Unlink();
    head.next_ = head.previous_ = nullptr;
  }
}

void TimingWheel::LinkBefore(Timer& head, Timer& timer) {
  timer.next_ = &head;
  timer.previous_ = head.previous_;
  head.previous_->next_ = &timer;
  head.previous_ = &timer;
}

void TimingWheel::Set(Timer& timer, int64_t due_ms) {
  timer.Unlink();
  // Rounded up: never early. At least the next tick: the present one has been fired.
  const int64_t tick = std::max((due_ms + kTickMs - 1) / kTickMs, tick_ + 1);
  timer.due_ms_ = due_ms;
  timer.wheel_ = this;
  LinkBefore(slots_[size_t(tick % kSlots)], timer);
  const int64_t turn = std::min(tick, tick_ + kSlots);  // a later turn passes its slot in this one
  if (size_++ == 0 || turn < earliest_tick_) earliest_tick_ = turn;
}

void TimingWheel::Advance(int64_t now_ms) {
  const int64_t tick = now_ms / kTickMs;
  if (tick - tick_ > kSlots) tick_ = tick - kSlots;
  while (tick_ < tick) {
    ++tick_;
    Timer due;  // a list of its own: firing may change the slot
    due.next_ = due.previous_ = &due;
    Detach(tick_, now_ms, due);
    while (due.next_ != &due) {
      Timer& timer = *due.next_;
      timer.Unlink();
      timer.owner_->OnTimer();
    }
    due.next_ = due.previous_ = nullptr;
  }
}

void TimingWheel::Detach(int64_t tick, int64_t now_ms, Timer& due) {
  Timer& head = slots_[size_t(tick % kSlots)];
  for (Timer* timer = head.next_; timer != &head;) {
    Timer* next = timer->next_;
    if (timer->due_ms_ <= now_ms) {
      timer->next_->previous_ = timer->previous_;
      timer->previous_->next_ = timer->next_;
      LinkBefore(due, *timer);
    }
    timer = next;
  }
}

int64_t TimingWheel::NextDelayMs(int64_t now_ms) const {
  if (size_ == 0) return -1;
  if (earliest_tick_ <= tick_) {
    earliest_tick_ = tick_ + 1;
    while (earliest_tick_ < tick_ + kSlots) {
      const Timer& head = slots_[size_t(earliest_tick_ % kSlots)];
      if (head.next_ != &head) break;
      earliest_tick_++;
    }
  }
  return std::max<int64_t>(earliest_tick_ * kTickMs - now_ms, 0);
}

}  // namespace fanwire
