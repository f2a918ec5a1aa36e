// Counters: what one reactor has done so far; summed over the reactors by stats().
// Path:      beside the data path.
// Threading: written by the reactor alone, read by any thread.
// Lifetime:  as long as the engine.
#ifndef FANWIRE_METRICS_COUNTERS_H_
#define FANWIRE_METRICS_COUNTERS_H_

#include <atomic>
#include <cstdint>

namespace fanwire {

// One writer: a plain add, visible to readers without tearing.
class Counter {
 public:
  void Add(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  // Where there are several writers.
  void AddShared(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  void Subtract(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Every counter with the name that stats() gives it.
#define FANWIRE_COUNTERS(X)                                                      \
  X(connections, "connections") /* open sockets now, handshakes included */      \
  X(sessions, "sessions")       /* open sessions now */                          \
  X(accepted, "accepted")       /* sockets taken, in all */                      \
  X(opened, "opened")           /* sessions opened, in all */                    \
  X(refused, "refused")         /* handshakes refused */                         \
  X(messages_in, "messagesIn")                                                   \
  X(bytes_in, "bytesIn")           /* off the sockets */                         \
  X(messages_out, "messagesOut")   /* one for each receiver */                   \
  X(bytes_out, "bytesOut")         /* onto the sockets */                        \
  X(dropped, "dropped")            /* messages dropped by an outbox policy */    \
  X(refused_sends, "refusedSends") /* messages refused by a full mailbox */      \
  X(outbox_bytes, "outboxBytes")   /* waiting for slow clients now */            \
  X(pings, "pings")                /* sent */                                    \
  X(writes, "writes")              /* send calls */                              \
  X(blocked, "blocked")            /* of them, those the kernel cut short */     \
  X(rounds, "rounds")              /* of the loop */                             \
  X(wakes, "wakes")                /* of a sleeping reactor by another thread */ \
  X(rings, "rings")                /* of JavaScript's doorbell */                \
  X(lingers, "lingers")            /* pauses before a big fan-out */

struct Counters {
#define FANWIRE_DECLARE(member, name) Counter member;
  FANWIRE_COUNTERS(FANWIRE_DECLARE)
#undef FANWIRE_DECLARE
};

}  // namespace fanwire

#endif  // FANWIRE_METRICS_COUNTERS_H_
