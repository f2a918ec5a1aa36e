// EventKind, Slab, SlabRange: what goes up to the application, laid out for it to read in place.
// Path:      reactor -> [slab] -> doorbell -> handler
// Threading: a reactor writes a slab beyond every published range; the JavaScript thread reads
//            published ranges.
// Lifetime:  a Slab is counted: one reference for the reactor, one for each view JavaScript holds.
//            Its memory belongs to the native side: a Worker's heap may die while the reactor still
//            writes.
//
// A record, 8-byte aligned: u32 slot, u32 generation, u32 kind | aux << 8 | endpoint << 16, u32
// length, payload, padding.
#ifndef FANWIRE_EVENT_H_
#define FANWIRE_EVENT_H_

#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace fanwire {

// The numbers are part of the bridge: lib/events.js knows them.
enum class EventKind : uint8_t {
  kOpen = 1,     // payload: u32 adoption token (0: own door)
  kMessage = 2,  // aux: the opcode, 1 text or 2 binary
  kClose = 3,    // payload: u16 code, u8 cause, u8 was_clean, reason
  kDrain = 4,
  kAuthenticate = 5,  // payload: u32 adoption token
  kAbort = 6,         // the client left while its authenticate was pending
  kLog = 7,           // slot: the level; payload: the line
  kBusy = 8,          // the engine has connections, or has none any more: ask connection_count()
  kStopped = 9,       // the last event of an engine
  kError = 10,        // payload: "CODE message"; a close follows
  kWritable = 11,     // the queue that refused a message has room again
};

// JavaScript sets it in a record's third word when the handler has not settled yet (aux bit 7).
inline constexpr uint32_t kUnsettledBit = 0x8000;
inline constexpr uint32_t kRecordHeader = 16;
inline constexpr uint32_t RecordSize(uint32_t payload) {
  return kRecordHeader + ((payload + 7) & ~7u);
}

// A session's credit: what JavaScript may hold unsettled. A message beyond it waits in the
// session's inbound queue.
inline constexpr uint32_t kCreditMessages = 16;
inline constexpr uint32_t kCreditBytes = 64 * 1024;
// settle(…, kSettleOpen) says that an asynchronous `open` has settled.
inline constexpr uint32_t kSettleOpen = 0xFFFFFFFF;

struct Slab {
  static constexpr uint32_t kBytes = 256 * 1024;

  static Slab* Create(uint32_t capacity) {
    static std::atomic<uint32_t> ids{0};
    auto* slab = new Slab;
    slab->data = static_cast<uint8_t*>(aligned_alloc(8, (size_t{capacity} + 7) & ~size_t{7}));
    slab->capacity = capacity;
    slab->id = ids.fetch_add(1, std::memory_order_relaxed);
    return slab;
  }
  void Ref() { refs.fetch_add(1, std::memory_order_relaxed); }
  void Unref() {
    if (refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    free(data);
    delete this;
  }

  uint8_t* data = nullptr;
  uint32_t capacity = 0, id = 0;
  std::atomic<int> refs{1};
};

// A published stretch of a slab. `retired`: the last one of this slab; who drains it gives it back
// to its queue.
struct SlabRange {
  Slab* slab = nullptr;
  uint32_t from = 0, to = 0;
  bool retired = false;
};

}  // namespace fanwire

#endif  // FANWIRE_EVENT_H_
