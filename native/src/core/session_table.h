// SessionRecord, SessionTable: what any thread may know of a reactor's sessions.
// Path:      application -> [session_table] -> mailbox; session -> [session_table]
// Threading: the reactor allocates and frees; the atomics are for everyone; the rest is guarded by
//            mutex(index).
// Lifetime:  records are never moved or unmapped while the engine lives; a freed one has a new
//            generation.
#ifndef FANWIRE_CORE_SESSION_TABLE_H_
#define FANWIRE_CORE_SESSION_TABLE_H_

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "base/peer_address.h"
#include "base/shared_bytes.h"
#include "core/batch.h"
#include "fanwire/command.h"

namespace fanwire {

class SessionRecord {
 public:
  uint32_t generation() const { return uint32_t(word_.load() >> 32); }
  SessionState StateOf(uint32_t generation) const;
  // Moves on to `state`, never back; false if it is another session by now or is there already.
  bool Advance(uint32_t generation, SessionState state);

  // Bytes posted to the session and not yet taken by the kernel. Add: only while it is open; the
  // sum, or kNotOpen, or kTooMuch.
  static constexpr int64_t kNotOpen = -1, kTooMuch = -2;
  int64_t TryAddBuffered(uint32_t generation, uint32_t bytes);
  // The reactor's own: for what it parks; and back, whatever the state.
  void AddBuffered(uint32_t bytes) { word_.fetch_add(bytes); }
  uint32_t SubtractBuffered(uint32_t bytes) {
    return (uint32_t(word_.fetch_sub(bytes)) & kBytesMask) - bytes;
  }
  uint32_t BufferedOf(uint32_t generation) const;

  // Credit in use: messages and bytes that JavaScript has and has not settled.
  void Charge(uint32_t messages, uint32_t bytes) {
    unsettled_.fetch_add(uint64_t{messages} << 40 | bytes);
  }
  // True: the reactor waits for credit and must be told.
  bool Settle(uint32_t messages, uint32_t bytes);
  bool HasCredit() const;
  // The reactor holds a message back. False: credit came back meanwhile, go on.
  bool StallUnlessCredit();

  // send() answered "over the mark": a drain is owed. False: no longer over it, so none is.
  bool OweDrain(uint32_t generation, uint32_t low_water_mark);
  bool TakeDrain() { return owes_drain_.load() && owes_drain_.exchange(false); }

  // Written by the reactor before the session opens.
  std::atomic<uint32_t> high_water_mark{0};
  std::atomic<uint16_t> endpoint{0};
  // The JavaScript thread's own: the generation whose end it has acknowledged; that record may be
  // freed any time.
  uint32_t released_generation = 0;
  // Guarded by the table's mutex(index).
  SharedBytes head;  // the request as it came, without the empty line
  SharedBytes user;
  PeerAddress peer;
  std::vector<ChannelRef> channels;
  bool closed_to_joins = true;

 private:
  friend class SessionTable;
  static constexpr uint32_t kBytesMask = (1u << 30) - 1;
  static constexpr uint32_t kMaxPosted = 640u << 20;  // leaves room for what the reactor adds

  std::atomic<uint64_t> word_{uint64_t{1} << 32};  // generation 32 | state 2 | buffered bytes 30
  std::atomic<uint64_t> unsettled_{0};             // messages << 40 | bytes
  std::atomic<bool> stalled_{false}, owes_drain_{false};
};

class SessionTable {
 public:
  static constexpr uint32_t kChunk = 1024;
  static constexpr uint32_t kMaxChunks = 4096;  // 4 million sessions on one reactor

  explicit SessionTable(uint32_t reactor) : reactor_(reactor) {}
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;
  ~SessionTable();

  // Reactor. A record in state kConnecting; no session if all slots are taken.
  SessionId Allocate();
  void Free(SessionId id);

  // Any thread. Null if there was never such a slot; the caller checks the generation.
  SessionRecord* At(uint32_t index) const {
    if (index >= kChunk * kMaxChunks) return nullptr;
    SessionRecord* chunk = chunks_[index / kChunk].load(std::memory_order_acquire);
    return chunk != nullptr ? &chunk[index % kChunk] : nullptr;
  }
  std::mutex& mutex(uint32_t index) const { return mutexes_[index % mutexes_.size()]; }
  uint32_t used_slots() const { return used_slots_.load(std::memory_order_acquire); }
  uint32_t reactor() const { return reactor_; }

 private:
  const uint32_t reactor_;
  std::array<std::atomic<SessionRecord*>, kMaxChunks> chunks_{};
  std::atomic<uint32_t> used_slots_{0};
  std::vector<uint32_t> free_;  // reactor
  mutable std::array<std::mutex, 64> mutexes_;
};

}  // namespace fanwire

#endif  // FANWIRE_CORE_SESSION_TABLE_H_
