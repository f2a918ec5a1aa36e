// client_frames: what a client may send, and what a reader made of it.
// Path:      used by tests and fuzzers only
// Threading: plain values; one thread at a time.
// Lifetime:  an Event owns a copy of its data.
#ifndef FANWIRE_TEST_CLIENT_FRAMES_H_
#define FANWIRE_TEST_CLIENT_FRAMES_H_

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/message_reader.h"

namespace fanwire::test {

using Bytes = std::vector<uint8_t>;

inline Bytes FromHex(const char* text) {
  std::istringstream in(text);
  Bytes bytes;
  for (unsigned value; in >> std::hex >> value;) bytes.push_back(static_cast<uint8_t>(value));
  return bytes;
}

inline Bytes Join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// A masked frame with its length in the shortest form; first_byte is FIN, RSV and opcode.
inline Bytes Masked(uint8_t first_byte, std::string_view payload) {
  const uint8_t mask[4] = {0x37, 0xFA, 0x21, 0x3D};
  Bytes frame = {first_byte};
  const int length_bytes = payload.size() < 126 ? 0 : payload.size() < 65536 ? 2 : 8;
  const size_t length7 = length_bytes == 0 ? payload.size() : length_bytes == 2 ? 126 : 127;
  frame.push_back(static_cast<uint8_t>(0x80 | length7));
  for (int i = length_bytes - 1; i >= 0; --i) {
    frame.push_back(static_cast<uint8_t>(uint64_t{payload.size()} >> (8 * i)));
  }
  frame.insert(frame.end(), mask, mask + 4);
  for (size_t i = 0; i < payload.size(); ++i) {
    frame.push_back(static_cast<uint8_t>(static_cast<uint8_t>(payload[i]) ^ mask[i % 4]));
  }
  return frame;
}

struct Event {
  ReadEvent::Kind kind;
  Opcode opcode;  // of messages only
  std::string data;
  uint16_t code;

  bool operator==(const Event&) const = default;
};

inline void PrintTo(const Event& event, std::ostream* out) {
  static const char* const kNames[] = {"need more", "message", "ping", "pong", "close", "error"};
  *out << kNames[static_cast<int>(event.kind)] << " opcode " << static_cast<int>(event.opcode)
       << " code " << event.code << " size " << event.data.size() << " '"
       << event.data.substr(0, 40) << "'";
}

inline Event Text(std::string data) {
  return {ReadEvent::Kind::kMessage, Opcode::kText, std::move(data), 0};
}
inline Event Binary(std::string data) {
  return {ReadEvent::Kind::kMessage, Opcode::kBinary, std::move(data), 0};
}
inline Event Ping(std::string data) {
  return {ReadEvent::Kind::kPing, Opcode::kContinuation, std::move(data), 0};
}
inline Event Pong(std::string data) {
  return {ReadEvent::Kind::kPong, Opcode::kContinuation, std::move(data), 0};
}
inline Event Close(uint16_t code, std::string reason = "") {
  return {ReadEvent::Kind::kClose, Opcode::kContinuation, std::move(reason), code};
}
inline Event Error(uint16_t code) {
  return {ReadEvent::Kind::kError, Opcode::kContinuation, "", code};
}

// Gives the reader one piece in a block of its own size and adds what comes out to `events`;
// false once the reader has failed.
inline bool Feed(MessageReader* reader, const uint8_t* data, size_t size,
                 std::vector<Event>* events) {
  Bytes piece(data, data + size);
  uint8_t* p = piece.data();
  uint8_t* const end = p + piece.size();
  for (;;) {
    const ReadEvent event = reader->Next(&p, end);
    if (event.kind == ReadEvent::Kind::kNeedMore) return true;
    const bool is_message = event.kind == ReadEvent::Kind::kMessage;
    std::string copy(event.data, event.data + event.size);
    events->push_back({event.kind, is_message ? event.opcode : Opcode::kContinuation,
                       std::move(copy), event.code});
    if (event.kind == ReadEvent::Kind::kError) return false;
  }
}

// The events of `wire`, given to the reader in pieces that end at `cuts` (ascending).
inline std::vector<Event> ReadCutAt(MessageReader* reader, const Bytes& wire,
                                    std::vector<size_t> cuts) {
  std::vector<Event> events;
  cuts.push_back(wire.size());
  size_t begin = 0;
  for (const size_t end : cuts) {
    if (!Feed(reader, wire.data() + begin, end - begin, &events)) break;
    begin = end;
  }
  return events;
}

inline constexpr uint32_t kTestLimit = 1 << 20;

inline std::vector<Event> Read(const Bytes& wire, uint32_t max_message_bytes = kTestLimit) {
  MessageReader reader(max_message_bytes);
  return ReadCutAt(&reader, wire, {});
}

inline std::vector<Event> ReadByteByByte(const Bytes& wire,
                                         uint32_t max_message_bytes = kTestLimit) {
  MessageReader reader(max_message_bytes);
  std::vector<size_t> cuts;
  for (size_t i = 1; i < wire.size(); ++i) cuts.push_back(i);
  return ReadCutAt(&reader, wire, cuts);
}

}  // namespace fanwire::test

#endif  // FANWIRE_TEST_CLIENT_FRAMES_H_
