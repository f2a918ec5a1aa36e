// RoomOrder: the one order in which a room's messages must reach every member, each exactly once.
// Path:      fan_out, watch -> [room_order]
// Threading: single-threaded program.
// Lifetime:  one run.
//
// Whoever is first to receive the n-th message decides what the n-th message is; the others must
// agree. A publisher's messages must be in that order in their own sequence without a gap. A member
// starts with the first message it gets (a server may join it after the upgrade was answered) and
// misses none after that.
#ifndef FANWIRE_BENCH_LOAD_ROOM_ORDER_H_
#define FANWIRE_BENCH_LOAD_ROOM_ORDER_H_

#include <cstdint>
#include <vector>

#include "message_book.h"

namespace fanwire::bench {

class RoomOrder {
 public:
  RoomOrder(uint32_t members, uint32_t publishers);

  // Takes note of what `member` has received; fails the run when it is not what comes next.
  void OnReceived(uint32_t member, const Stamp& stamp);

  // True when every member has received something, and everything since.
  bool complete() const;
  // Messages known, whoever received them.
  uint64_t size() const { return size_; }

 private:
  static constexpr uint64_t kNone = ~0ull;
  static constexpr uint64_t kKept = 1 << 18;

  uint64_t Find(const Stamp& stamp) const;
  [[noreturn]] void Refuse(uint32_t member, const Stamp& stamp, const char* why) const;

  uint64_t size_ = 0;
  std::vector<Stamp> recent_;            // the last kKept, by position modulo kKept
  std::vector<uint64_t> next_sequence_;  // by publisher
  std::vector<uint64_t> next_position_;  // by member; kNone before its first message
};

}  // namespace fanwire::bench

#endif  // FANWIRE_BENCH_LOAD_ROOM_ORDER_H_
