#include "message_book.h"

#include <array>
#include <cstring>

namespace fanwire::bench {
namespace {

constexpr std::array<uint8_t, 4> kMask = {0x5a, 0xc3, 0x17, 0x9e};
constexpr size_t kPieces = 1024;  // the pattern has this many starting points, 4 bytes apart

using StampText = std::array<char, MessageBook::kStampBytes>;

StampText Encode(const Stamp& stamp) {
  StampText text;
  for (size_t i = 0; i < 4; ++i)
    text[i] = static_cast<char>('0' + (stamp.publisher >> (6 * i) & 63));
  for (size_t i = 0; i < 8; ++i) {
    text[4 + i] = static_cast<char>('0' + (stamp.sequence >> (6 * i) & 63));
  }
  return text;
}

void AppendMasked(std::string_view plain, std::string* out) {
  const size_t from = out->size();
  out->append(plain);
  for (size_t i = 0; i < plain.size(); ++i) {
    (*out)[from + i] = static_cast<char>(static_cast<uint8_t>(plain[i]) ^ kMask[i & 3]);
  }
}

void AppendMaskKey(std::string* out) {
  out->append(reinterpret_cast<const char*>(kMask.data()), kMask.size());
}

}  // namespace

MessageBook::MessageBook(size_t bytes, bool text) : bytes_(bytes), text_(text) {
  frame_head_.push_back(static_cast<char>(text ? 0x81 : 0x82));
  if (bytes < 126) {
    frame_head_.push_back(static_cast<char>(0x80 | bytes));
  } else {
    const bool wide = bytes > 0xffff;
    frame_head_.push_back(static_cast<char>(0x80 | (wide ? 127 : 126)));
    for (int shift = wide ? 56 : 8; shift >= 0; shift -= 8) {
      frame_head_.push_back(static_cast<char>(static_cast<uint64_t>(bytes) >> shift & 0xff));
    }
  }
  AppendMaskKey(&frame_head_);

  // The same generator stands in bench/peers/message.js.
  uint32_t state = 1;
  for (size_t i = 0; i < bytes + 4 * kPieces; ++i) {
    state = state * 1664525u + 1013904223u;
    plain_.push_back(static_cast<char>('0' + (state >> 26)));
  }
  AppendMasked(plain_, &masked_);  // bodies start at payload offset 12: the mask is in phase
}

size_t MessageBook::BodyOffset(const Stamp& stamp) const {
  return (stamp.publisher * 7 + stamp.sequence) % kPieces * 4;
}

void MessageBook::AppendMessage(const Stamp& stamp, std::string* out) const {
  const StampText text = Encode(stamp);
  out->append(frame_head_);
  AppendMasked({text.data(), text.size()}, out);
  out->append(masked_, BodyOffset(stamp), bytes_ - kStampBytes);
}

void MessageBook::AppendPing(const Stamp& stamp, std::string* out) {
  const StampText text = Encode(stamp);
  AppendControl(0x9, {text.data(), text.size()}, out);
}

void MessageBook::AppendControl(uint8_t opcode, std::string_view payload, std::string* out) {
  out->push_back(static_cast<char>(0x80 | opcode));
  out->push_back(static_cast<char>(0x80 | payload.size()));
  AppendMaskKey(out);
  AppendMasked(payload, out);
}

std::optional<Stamp> MessageBook::Read(std::string_view payload) const {
  if (payload.size() != bytes_) return std::nullopt;
  const std::optional<Stamp> stamp = ReadStamp(payload.substr(0, kStampBytes));
  if (!stamp || std::memcmp(payload.data() + kStampBytes, plain_.data() + BodyOffset(*stamp),
                            bytes_ - kStampBytes) != 0) {
    return std::nullopt;
  }
  return stamp;
}

std::optional<Stamp> MessageBook::ReadStamp(std::string_view payload) {
  if (payload.size() != kStampBytes) return std::nullopt;
  Stamp stamp;
  uint8_t excess = 0;
  const auto digit = [&](size_t i) {
    const auto value = static_cast<uint8_t>(payload[i] - '0');
    excess |= value;
    return static_cast<uint64_t>(value & 63);
  };
  for (size_t i = 0; i < 4; ++i) stamp.publisher |= static_cast<uint32_t>(digit(i) << (6 * i));
  for (size_t i = 0; i < 8; ++i) stamp.sequence |= digit(4 + i) << (6 * i);
  if (excess > 63) return std::nullopt;
  return stamp;
}

}  // namespace fanwire::bench
