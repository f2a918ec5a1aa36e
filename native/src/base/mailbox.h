// Mailbox: many producers, one owner; values cross threads here and nowhere else.
// Path:      application, other reactors -> [mailbox] -> reactor
// Threading: Post() and the observers from any thread; Take() by the owner only.
// Lifetime:  outlives every producer; what was posted and never taken dies with it.
//
// A lock, not a queue of atomics: the critical section swaps or appends a vector, so a burst costs
// one lock. `Batch` must offer empty(), Append(Batch&) which leaves its argument empty, and cost()
// in bytes.
#ifndef FANWIRE_BASE_MAILBOX_H_
#define FANWIRE_BASE_MAILBOX_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

namespace fanwire {

template <typename Batch>
class Mailbox {
 public:
  explicit Mailbox(uint64_t max_cost) : max_cost_(max_cost) {}
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // Takes all of `batch`, which is left empty; usually a swap, so that capacity circulates. Never
  // refuses: callers that can wait ask Refuses() first, and the rest (closes, verdicts) must get
  // through.
  void Post(Batch& batch) {
    std::lock_guard<std::mutex> lock(mutex_);
    cost_.store(cost_.load(std::memory_order_relaxed) + batch.cost(), std::memory_order_relaxed);
    if (inbound_.empty()) {
      std::swap(inbound_, batch);
    } else {
      inbound_.Append(batch);
    }
    has_mail_.store(true);  // seq_cst: ordered with the owner's "asleep" flag
  }

  // Posts what `fill(Batch&)` adds under the lock: for single commands, without a batch of one's
  // own.
  template <typename Fill>
  void PostWith(uint64_t cost, Fill&& fill) {
    std::lock_guard<std::mutex> lock(mutex_);
    cost_.store(cost_.load(std::memory_order_relaxed) + cost, std::memory_order_relaxed);
    fill(inbound_);
    has_mail_.store(true);
  }

  bool has_mail() const { return has_mail_.load(); }

  // True: it is full, and the owner will tell by TakeRefused() when it is not any more. A soft
  // bound: each producer may overshoot it by the one message that it holds, and an empty one takes
  // a message of any size.
  bool Refuses(uint64_t more) {
    const auto is_full = [&](uint64_t cost) { return cost != 0 && cost + more > max_cost_; };
    if (!is_full(cost_.load(std::memory_order_relaxed))) return false;
    refused_.store(true);
    // Emptied meanwhile? The flag stays: by now it may be another producer's, too. A word too many
    // does no harm.
    return is_full(cost_.load());
  }
  // The owner, after Take(): somebody was refused before it.
  bool TakeRefused() { return refused_.load() && refused_.exchange(false); }

  // REQUIRES: `out` is empty.
  void Take(Batch& out) {
    std::lock_guard<std::mutex> lock(mutex_);
    std::swap(inbound_, out);
    cost_.store(0);  // seq_cst, as refused_: see Refuses()
    has_mail_.store(false);
  }

 private:
  const uint64_t max_cost_;
  std::mutex mutex_;
  Batch inbound_;  // guarded by mutex_
  std::atomic<uint64_t> cost_{0};
  std::atomic<bool> has_mail_{false}, refused_{false};
};

}  // namespace fanwire

#endif  // FANWIRE_BASE_MAILBOX_H_
