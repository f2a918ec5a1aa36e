// ws_frame: the header of a WebSocket frame (RFC 6455 section 5), both ways.
// Path:      connection -> [ws_frame] -> message_reader; fan_out -> [ws_frame] -> outbox
// Threading: pure functions; safe from any thread.
// Lifetime:  keeps nothing; reads and writes only the bytes it is given.
#ifndef FANWIRE_PROTOCOL_WS_FRAME_H_
#define FANWIRE_PROTOCOL_WS_FRAME_H_

#include <bit>
#include <cstddef>
#include <cstdint>

namespace fanwire {

enum class Opcode : uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

inline constexpr size_t kMaxServerHeader = 10;
inline constexpr size_t kMaxClientHeader = 14;
inline constexpr size_t kMaxControlPayload = 125;

inline bool IsControl(Opcode opcode) { return (static_cast<uint8_t>(opcode) & 0x8) != 0; }

// ---- Server to client: one unmasked frame per message, always with FIN ----

// 2, 4 or 10.
inline size_t FrameHeaderSize(size_t payload_size) {
  if (payload_size <= 125) return 2;
  return payload_size <= 0xFFFF ? 4 : 10;
}

// Writes the header and returns its size: 2, 4 or 10.
// REQUIRES: room for FrameHeaderSize(payload_size) bytes at `out`.
inline size_t PutFrameHeader(uint8_t* out, Opcode opcode, size_t payload_size, bool rsv1 = false) {
  out[0] = static_cast<uint8_t>(0x80 | (rsv1 ? 0x40 : 0) | static_cast<uint8_t>(opcode));
  if (payload_size <= 125) {
    out[1] = static_cast<uint8_t>(payload_size);
    return 2;
  }
  if (payload_size <= 0xFFFF) {
    out[1] = 126;
    out[2] = static_cast<uint8_t>(payload_size >> 8);
    out[3] = static_cast<uint8_t>(payload_size);
    return 4;
  }
  out[1] = 127;
  for (size_t i = 0; i < 8; ++i) {
    out[2 + i] = static_cast<uint8_t>(uint64_t{payload_size} >> (56 - 8 * i));
  }
  return 10;
}

// The whole size, header and payload, of the frame that starts at `p`, which
// may reach beyond `available`; 0 if the header itself is cut.
// REQUIRES: the frame was written by PutFrameHeader().
size_t FrameSizeAt(const uint8_t* p, size_t available);

// ---- Client to server ----

struct FrameHeader {
  uint64_t payload_size;
  uint32_t mask;  // as on the wire, native load; 0 if not masked
  Opcode opcode;
  uint8_t rsv;   // RSV1 = 4, RSV2 = 2, RSV3 = 1
  uint8_t size;  // of the header itself, 2..14
  bool fin;
  bool masked;
};

enum class FrameHeaderStatus : uint8_t {
  kNeedMore,
  kDone,
  kBad,  // breaks a rule that holds for every frame alone; close with 1002
};

// Reads the header that starts at `p`. Bad are: reserved opcodes, control
// frames without FIN or above 125 bytes, a close frame of 1 byte, lengths that
// are not written in their shortest form or have the top bit set. Whether RSV
// bits and masking are right is for the caller to judge.
FrameHeaderStatus ParseFrameHeader(const uint8_t* p, size_t available, FrameHeader* out);

// The mask for the bytes that come `bytes` later in the same payload.
inline uint32_t TurnMask(uint32_t mask, size_t bytes) {
  const int bits = static_cast<int>(bytes & 3) * 8;
  return std::endian::native == std::endian::little ? std::rotr(mask, bits) : std::rotl(mask, bits);
}

// XORs `size` bytes with the mask; `offset` is the place of data[0] in its
// frame's payload. Any alignment.
// REQUIRES: `mask` is as on the wire, native load.
void Unmask(uint8_t* data, size_t size, uint32_t mask, size_t offset);

}  // namespace fanwire

#endif  // FANWIRE_PROTOCOL_WS_FRAME_H_
