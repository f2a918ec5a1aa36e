// The way a client's bytes are cut must not change what MessageReader makes of them, and what it
// holds and tells must stay within its limits.
// Input: one byte chooses the limit, four choose the cuts, the rest comes from the client.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "protocol/message_reader.h"
#include "test/native/protocol/client_frames.h"
#include "test/native/protocol/naive_utf8.h"

namespace fanwire {
namespace {

using test::Bytes;
using test::Event;

constexpr uint32_t kLimits[] = {0, 1, 7, 125, 126, 1000, 65536, UINT32_MAX};

void Require(bool condition) {
  if (!condition) std::abort();
}

// A stream of small numbers that the input chooses.
class Dice {
 public:
  explicit Dice(const uint8_t* seed) {
    for (int i = 0; i < 4; ++i) state_ = state_ << 8 | seed[i];
  }
  uint32_t Roll(uint32_t sides) {
    state_ = state_ * 1664525 + 1013904223;
    return (state_ >> 16) % sides;
  }

 private:
  uint32_t state_ = 0;
};

void CheckEvent(const Event& event, uint32_t limit) {
  switch (event.kind) {
    case ReadEvent::Kind::kMessage:
      Require(event.opcode == Opcode::kText || event.opcode == Opcode::kBinary);
      Require(event.data.size() <= limit);
      if (event.opcode == Opcode::kText) Require(test::IsValidNaively(event.data));
      break;
    case ReadEvent::Kind::kPing:
    case ReadEvent::Kind::kPong:
      Require(event.data.size() <= kMaxControlPayload);
      break;
    case ReadEvent::Kind::kClose:
      Require(event.data.size() <= kMaxControlPayload - 2);
      Require(event.code == 1005 || IsValidCloseCode(event.code));
      Require(test::IsValidNaively(event.data));
      break;
    case ReadEvent::Kind::kError:
      Require(event.code == 1002 || (event.code >= 1007 && event.code <= 1009));
      break;
    case ReadEvent::Kind::kNeedMore:
      std::abort();
  }
}

// Reads `wire` in pieces; with `discard` it throws away what is held now and then.
std::vector<Event> ReadInPieces(const Bytes& wire, uint32_t limit, Dice dice, bool discard) {
  MessageReader reader(limit);
  std::vector<Event> events;
  const uint32_t longest = 1 + dice.Roll(20);
  for (size_t at = 0; at < wire.size();) {
    const size_t size = std::min<size_t>(dice.Roll(longest + 1), wire.size() - at);
    const bool going_on = test::Feed(&reader, wire.data() + at, size, &events);
    at += size;
    Require(reader.buffered_bytes() <= at * 2 + 64);
    if (!going_on) {
      Require(reader.buffered_bytes() == 0 && !reader.mid_message());
      break;
    }
    if (discard && dice.Roll(4) == 0) reader.Discard();
  }
  return events;
}

}  // namespace
}  // namespace fanwire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fanwire;  // NOLINT(google-build-using-namespace)
  if (size < 5) return 0;
  const uint32_t limit = kLimits[data[0] % std::size(kLimits)];
  const Dice dice(data + 1);
  const Bytes wire(data + 5, data + size);

  const std::vector<Event> whole = test::Read(wire, limit);
  for (const Event& event : whole) CheckEvent(event, limit);
  Require(ReadInPieces(wire, limit, dice, false) == whole);
  for (const Event& event : ReadInPieces(wire, limit, dice, true)) CheckEvent(event, limit);
  return 0;
}
