#include "protocol/ws_frame.h"

#include <cstring>

namespace fanwire {
namespace {

// The `count` bytes at `p` as a big-endian number.
uint64_t BigEndian(const uint8_t* p, size_t count) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) value = value << 8 | p[i];
  return value;
}

// Bytes that hold the length beyond the second byte of the header.
size_t ExtendedLengthSize(uint8_t length7) { return length7 < 126 ? 0 : length7 == 126 ? 2 : 8; }

bool IsReserved(uint8_t opcode) {
  return (opcode & 0x7) > 2;  // 3..7 and 11..15
}

bool IsBadControl(const FrameHeader& header, uint8_t length7) {
  if (!header.fin || length7 > kMaxControlPayload) return true;
  return header.opcode == Opcode::kClose && length7 == 1;
}

// RFC 6455 section 5.2: the shortest form, the top bit clear.
bool IsBadLength(uint64_t length, size_t extended_size) {
  if (extended_size == 2) return length < 126;
  return length <= 0xFFFF || length >> 63 != 0;
}

void XorWord(uint8_t* p, uint64_t mask) {
  uint64_t word;
  std::memcpy(&word, p, sizeof word);
  word ^= mask;
  std::memcpy(p, &word, sizeof word);
}

}  // namespace

size_t FrameSizeAt(const uint8_t* p, size_t available) {
  if (available < 2) return 0;
  const size_t extended_size = ExtendedLengthSize(p[1]);
  if (available < 2 + extended_size) return 0;
  const uint64_t payload = extended_size == 0 ? p[1] : BigEndian(p + 2, extended_size);
  return 2 + extended_size + static_cast<size_t>(payload);
}

FrameHeaderStatus ParseFrameHeader(const uint8_t* p, size_t available, FrameHeader* out) {
  if (available < 2) return FrameHeaderStatus::kNeedMore;
  const uint8_t length7 = p[1] & 0x7F;
  if (IsReserved(p[0] & 0xF)) return FrameHeaderStatus::kBad;
  out->opcode = static_cast<Opcode>(p[0] & 0xF);
  out->rsv = p[0] >> 4 & 0x7;
  out->fin = (p[0] & 0x80) != 0;
  out->masked = (p[1] & 0x80) != 0;
  if (IsControl(out->opcode) && IsBadControl(*out, length7)) {
    return FrameHeaderStatus::kBad;
  }
  const size_t extended_size = ExtendedLengthSize(length7);
  out->size = static_cast<uint8_t>(2 + extended_size + (out->masked ? 4 : 0));
  if (available < out->size) return FrameHeaderStatus::kNeedMore;
  out->payload_size = length7;
  if (extended_size != 0) {
    out->payload_size = BigEndian(p + 2, extended_size);
    if (IsBadLength(out->payload_size, extended_size)) {
      return FrameHeaderStatus::kBad;
    }
  }
  out->mask = 0;
  if (out->masked) std::memcpy(&out->mask, p + 2 + extended_size, 4);
  return FrameHeaderStatus::kDone;
}

void Unmask(uint8_t* data, size_t size, uint32_t mask, size_t offset) {
  mask = TurnMask(mask, offset);
  const uint64_t mask64 = uint64_t{mask} << 32 | mask;
  while (size >= 32) {
    XorWord(data, mask64);
    XorWord(data + 8, mask64);
    XorWord(data + 16, mask64);
    XorWord(data + 24, mask64);
    data += 32;
    size -= 32;
  }
  while (size >= 8) {
    XorWord(data, mask64);
    data += 8;
    size -= 8;
  }
  uint8_t rest[8];
  std::memcpy(rest, &mask64, sizeof rest);
  for (size_t i = 0; i < size; ++i) data[i] ^= rest[i];
}

}  // namespace fanwire
