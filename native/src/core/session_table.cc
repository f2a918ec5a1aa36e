#include "core/session_table.h"

#include "fanwire/event.h"

namespace fanwire {
namespace {

constexpr uint64_t kStateShift = 30;
constexpr uint64_t kStateMask = uint64_t{3} << kStateShift;

SessionState StateIn(uint64_t word) { return SessionState((word & kStateMask) >> kStateShift); }
uint32_t GenerationIn(uint64_t word) { return uint32_t(word >> 32); }

}  // namespace

SessionState SessionRecord::StateOf(uint32_t generation) const {
  const uint64_t word = word_.load();
  return GenerationIn(word) == generation ? StateIn(word) : SessionState::kClosed;
}

bool SessionRecord::Advance(uint32_t generation, SessionState state) {
  uint64_t word = word_.load();
  do {
    if (GenerationIn(word) != generation || StateIn(word) >= state) return false;
  } while (
      !word_.compare_exchange_weak(word, (word & ~kStateMask) | uint64_t(state) << kStateShift));
  return true;
}

int64_t SessionRecord::TryAddBuffered(uint32_t generation, uint32_t bytes) {
  uint64_t word = word_.load();
  do {
    if (GenerationIn(word) != generation || StateIn(word) != SessionState::kOpen) return kNotOpen;
    if ((word & kBytesMask) + bytes > kMaxPosted) return kTooMuch;
  } while (!word_.compare_exchange_weak(word, word + bytes));
  return int64_t((word & kBytesMask) + bytes);
}

uint32_t SessionRecord::BufferedOf(uint32_t generation) const {
  const uint64_t word = word_.load();
  return GenerationIn(word) == generation ? uint32_t(word & kBytesMask) : 0;
}

bool SessionRecord::Settle(uint32_t messages, uint32_t bytes) {
  unsettled_.fetch_sub(uint64_t{messages} << 40 | bytes);
  return stalled_.load() && stalled_.exchange(false);
}

bool SessionRecord::HasCredit() const {
  const uint64_t used = unsettled_.load();
  return (used >> 40) < kCreditMessages && (used & ((uint64_t{1} << 40) - 1)) < kCreditBytes;
}

// Either this thread sees the credit that Settle() gave, or Settle() sees the flag: both are
// sequentially consistent.
bool SessionRecord::StallUnlessCredit() {
  stalled_.store(true);
  return !(HasCredit() && stalled_.exchange(false));
}

bool SessionRecord::OweDrain(uint32_t generation, uint32_t low_water_mark) {
  owes_drain_.store(true);
  return !(BufferedOf(generation) <= low_water_mark && owes_drain_.exchange(false));
}

SessionTable::~SessionTable() {
  for (auto& chunk : chunks_) delete[] chunk.load();
}

SessionId SessionTable::Allocate() {
  uint32_t index;
  if (!free_.empty()) {
    index = free_.back();
    free_.pop_back();
  } else {
    index = used_slots_.load(std::memory_order_relaxed);
    if (index == kChunk * kMaxChunks) return {};
    if (index % kChunk == 0)
      chunks_[index / kChunk].store(new SessionRecord[kChunk], std::memory_order_release);
    used_slots_.store(index + 1, std::memory_order_release);
  }
  SessionRecord& record = *At(index);
  std::lock_guard<std::mutex> lock(mutex(index));
  record.closed_to_joins = false;
  return {reactor_ << SessionId::kIndexBits | index, record.generation()};
}

void SessionTable::Free(SessionId id) {
  SessionRecord& record = *At(id.index());
  uint32_t next = id.generation + 1;
  if (next == 0) next = 1;
  std::lock_guard<std::mutex> lock(mutex(id.index()));
  record.word_.store(uint64_t{next} << 32);
  record.unsettled_.store(0);
  record.stalled_.store(false);
  record.owes_drain_.store(false);
  record.head = {};
  record.user = {};
  record.channels = {};
  record.closed_to_joins = true;
  free_.push_back(id.index());
}

}  // namespace fanwire
