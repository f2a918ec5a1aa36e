#include "wire.h"

#include <cstring>

namespace fanwire::bench {

const std::string_view kSwitchingProtocols =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

std::string_view ReadRequest(std::string_view bytes, size_t* used) {
  const size_t end = bytes.find("\r\n\r\n");
  *used = end == std::string_view::npos ? 0 : end + 4;
  const size_t path = bytes.find(' ') + 1;
  return *used == 0 ? std::string_view() : bytes.substr(path, bytes.find(' ', path) - path);
}

size_t ReadClientFrame(std::string_view bytes, ClientFrame* frame) {
  if (bytes.size() < 6) return 0;
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  frame->opcode = byte(0) & 0x0f;
  size_t length = byte(1) & 0x7f;
  size_t head = 2;
  if (length >= 126) {
    head = length == 126 ? 4 : 10;
    if (bytes.size() < head + 4) return 0;
    length = 0;
    for (size_t i = 2; i < head; ++i) length = length << 8 | byte(i);
  }
  if (bytes.size() < head + 4 + length) return 0;
  std::memcpy(&frame->mask, bytes.data() + head, 4);
  frame->masked = bytes.data() + head + 4;
  frame->length = length;
  return head + 4 + length;
}

void AppendServerFrame(const ClientFrame& frame, uint8_t opcode, std::string* out) {
  char head[10];
  size_t head_length = 2;
  head[0] = static_cast<char>(0x80 | opcode);
  if (frame.length < 126) {
    head[1] = static_cast<char>(frame.length);
  } else {
    head_length = frame.length <= 0xffff ? 4 : 10;
    head[1] = static_cast<char>(head_length == 4 ? 126 : 127);
    for (size_t i = 2; i < head_length; ++i) {
      head[i] = static_cast<char>(frame.length >> 8 * (head_length - 1 - i));
    }
  }
  out->append(head, head_length);
  const size_t from = out->size();
  out->append(frame.masked, frame.length);
  char* bytes = out->data() + from;
  const uint64_t mask = frame.mask | static_cast<uint64_t>(frame.mask) << 32;
  size_t i = 0;
  for (; i + 8 <= frame.length; i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes + i, 8);
    word ^= mask;
    std::memcpy(bytes + i, &word, 8);
  }
  for (; i < frame.length; ++i) bytes[i] = static_cast<char>(bytes[i] ^ frame.mask >> 8 * (i & 3));
}

}  // namespace fanwire::bench
