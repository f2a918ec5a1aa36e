// EventQueue: one reactor's events for JavaScript, appended to slabs and taken in ranges.
// Path:      session -> [event_queue] -> doorbell -> handler
// Threading: Append() and Commit() by the reactor; Take() and Retire() by the JavaScript thread.
// Lifetime:  outlives both; slabs are counted, so views in JavaScript may outlive the queue.
#ifndef FANWIRE_CORE_EVENT_QUEUE_H_
#define FANWIRE_CORE_EVENT_QUEUE_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "fanwire/command.h"
#include "fanwire/event.h"

namespace fanwire {

class EventQueue {
 public:
  EventQueue() = default;
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;
  ~EventQueue();

  // Room for a record's payload; the caller fills all of it before Commit(). Never refused:
  // messages are bounded by credit, and the hub lets nobody new in while too much is untaken.
  uint8_t* Append(SessionId id, EventKind kind, uint8_t aux, uint16_t endpoint,
                  uint32_t payload_size);
  void Append(SessionId id, EventKind kind, uint8_t aux, uint16_t endpoint,
              std::string_view payload);

  // The reactor: bytes that JavaScript has not taken yet. The hub lets nobody new in when they are
  // too many.
  uint64_t untaken_bytes() const { return untaken_bytes_.load(std::memory_order_relaxed); }

  // Publishes what was appended since the last time. True: there is something new, ring the
  // doorbell.
  bool Commit();

  // REQUIRES: `out` is empty.
  void Take(std::vector<SlabRange>& out);
  // Whether Retire() will keep the slab for reuse, so that views of it are worth keeping.
  bool WillReuse(const Slab& slab) const;
  // A retired range has been read; the slab may be filled again.
  void Retire(Slab* slab);

 private:
  static constexpr size_t kSpareSlabs = 16;
  void Publish(bool retired);
  void NextSlab(uint32_t need);

  Slab* slab_ = nullptr;                    // reactor
  uint32_t end_ = 0;                        // reactor: appended so far
  uint32_t published_ = 0;                  // reactor
  std::atomic<uint64_t> untaken_bytes_{0};  // both
  bool rolled_ = false;                     // reactor: a range was published by NextSlab
  mutable std::mutex
      mutex_;  // both sides hand over ranges and slabs; held for a few pushes, never while waiting
  std::vector<SlabRange> ready_;  // guarded by mutex_
  std::vector<Slab*> spare_;      // guarded by mutex_
};

}  // namespace fanwire

#endif  // FANWIRE_CORE_EVENT_QUEUE_H_
