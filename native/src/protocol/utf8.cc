#include "protocol/utf8.h"

#include <cstring>

namespace fanwire {
namespace {

constexpr uint64_t kHighBits = 0x8080808080808080;

uint64_t Load(const uint8_t* p) {
  uint64_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// The first byte from `p` on that is not ASCII, or `end`.
const uint8_t* SkipAscii(const uint8_t* p, const uint8_t* end) {
  while (end - p >= 32) {
    const uint64_t any = Load(p) | Load(p + 8) | Load(p + 16) | Load(p + 24);
    if ((any & kHighBits) != 0) break;
    p += 32;
  }
  while (end - p >= 8) {
    if ((Load(p) & kHighBits) != 0) break;
    p += 8;
  }
  while (p < end && *p < 0x80) ++p;
  return p;
}

bool Continues(uint8_t byte) { return (byte & 0xC0) == 0x80; }

// The size of the character that starts at `p` with a byte above ASCII; 0 if
// it is not valid. REQUIRES: 4 readable bytes.
size_t WholeCharacter(const uint8_t* p) {
  const uint8_t lead = p[0];
  const uint8_t second = p[1];
  if (lead < 0xC2 || !Continues(second)) return 0;
  if (lead < 0xE0) return 2;
  if (!Continues(p[2])) return 0;
  if (lead < 0xF0) {
    if (lead == 0xE0 && second < 0xA0) return 0;  // overlong
    if (lead == 0xED && second > 0x9F) return 0;  // surrogate
    return 3;
  }
  if (lead > 0xF4 || !Continues(p[3])) return 0;
  if (lead == 0xF0 && second < 0x90) return 0;  // overlong
  if (lead == 0xF4 && second > 0x8F) return 0;  // above U+10FFFF
  return 4;
}

// The first byte from `p` on that is not part of a whole, valid character.
const uint8_t* SkipWhole(const uint8_t* p, const uint8_t* end) {
  while (end - p >= 4) {
    if (*p < 0x80) {
      p = SkipAscii(p, end);
      continue;
    }
    const size_t size = WholeCharacter(p);
    if (size == 0) return p;
    p += size;
  }
  return p;
}

}  // namespace

bool Utf8Validator::Append(const uint8_t* data, size_t size) {
  const uint8_t* p = data;
  const uint8_t* const end = data + size;
  while (p < end) {
    if (missing_ == 0) {
      p = SkipWhole(p, end);
      if (p == end) break;
    }
    // Cut by the end of the piece, or bad: byte by byte tells which.
    if (!Step(*p++)) return false;
  }
  return true;
}

bool Utf8Validator::Step(uint8_t byte) {
  if (missing_ != 0) {
    if (byte < low_ || byte > high_) return false;
    --missing_;
    low_ = 0x80;
    high_ = 0xBF;
    return true;
  }
  if (byte < 0x80) return true;
  if (byte < 0xC2 || byte > 0xF4) return false;
  missing_ = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
  low_ = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
  high_ = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
  return true;
}

bool IsValidUtf8(const uint8_t* data, size_t size) {
  Utf8Validator validator;
  return validator.Append(data, size) && validator.complete();
}

}  // namespace fanwire
