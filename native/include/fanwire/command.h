// SessionId and the small values of the calls that come down from the application.
// Path:      application -> [command] -> mailbox -> reactor
// Threading: values.
// Lifetime:  values; a SessionId never dangles, it only stops naming anybody.
#ifndef FANWIRE_COMMAND_H_
#define FANWIRE_COMMAND_H_

#include <cstdint>
#include <functional>

namespace fanwire {

// A session by slot and generation: the slot is reused, the generation is not, so a late call
// reaches nobody else.
struct SessionId {
  uint32_t slot = 0;        // reactor index in the top 8 bits
  uint32_t generation = 0;  // 0: no session

  static constexpr uint32_t kIndexBits = 24;
  static constexpr uint32_t kIndexMask = (1u << kIndexBits) - 1;

  uint32_t reactor() const { return slot >> kIndexBits; }
  uint32_t index() const { return slot & kIndexMask; }
  uint64_t packed() const { return uint64_t{slot} << 32 | generation; }
  static SessionId FromPacked(uint64_t v) { return {uint32_t(v >> 32), uint32_t(v)}; }
  explicit operator bool() const { return generation != 0; }
  friend bool operator==(SessionId, SessionId) = default;
};

enum class ChannelKind : uint8_t { kRoom = 0, kUser = 1 };

enum class SessionState : uint8_t { kConnecting = 0, kOpen = 1, kClosing = 2, kClosed = 3 };

// The answer to a send. kQueuedHigh and kRefused are `false` in JavaScript, and a drain follows
// both.
enum class SendResult : uint8_t {
  kGone = 0,        // no such open session
  kQueued = 1,      // taken
  kQueuedHigh = 2,  // taken, and the session is over its high-water mark
  kRefused = 3,     // not taken: the engine's queue is full
};

enum class JoinResult : uint8_t { kGone = 0, kJoined = 1, kAlready = 2, kTooMany = 3 };

// How a payload goes out.
enum SendFlags : uint8_t { kSendText = 0, kSendBinary = 1, kSendVolatile = 4 };

}  // namespace fanwire

template <>
struct std::hash<fanwire::SessionId> {
  size_t operator()(fanwire::SessionId id) const noexcept {
    return std::hash<uint64_t>()(id.packed() * 0x9E3779B97F4A7C15ull);
  }
};

#endif  // FANWIRE_COMMAND_H_
