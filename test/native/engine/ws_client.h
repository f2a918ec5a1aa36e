// WsClient: a WebSocket client over a blocking socket, as polite or as rude as a test needs it.
// Path:      test -> [ws_client] -> loopback socket -> the reactor under test
// Threading: one thread at a time; several clients may be used by several threads.
// Lifetime:  owns its socket. Every wait ends with a failure after 10 s.
#ifndef FANWIRE_TEST_WS_CLIENT_H_
#define FANWIRE_TEST_WS_CLIENT_H_

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "test/native/protocol/client_frames.h"

namespace fanwire::test {

inline constexpr int kPatienceMs = 10'000;

inline std::string UpgradeHead(std::string_view path, std::string_view more_lines = "") {
  return "GET " + std::string(path) +
         " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
         std::string(more_lines) + "\r\n";
}

inline std::string MaskedFrame(uint8_t first_byte, std::string_view payload) {
  const Bytes bytes = Masked(first_byte, payload);
  return {bytes.begin(), bytes.end()};
}

inline std::string CloseBody(uint16_t code, std::string_view reason = "") {
  return std::string{char(code >> 8), char(code)} + std::string(reason);
}

// A frame of the server's.
struct Frame {
  uint8_t first_byte = 0;  // 0: there was none
  std::string payload;

  uint8_t opcode() const { return first_byte & 0x0F; }
  bool is_close() const { return first_byte == 0x88; }
  uint16_t close_code() const {  // 1005: a close frame without one
    if (payload.size() < 2) return 1005;
    return uint16_t(uint8_t(payload[0]) << 8 | uint8_t(payload[1]));
  }
};

class WsClient {
 public:
  explicit WsClient(int fd = -1) : fd_(fd) {}
  WsClient(WsClient&& o) noexcept : fd_(std::exchange(o.fd_, -1)), in_(std::move(o.in_)) {}
  WsClient& operator=(WsClient&& o) noexcept {
    Drop();
    fd_ = std::exchange(o.fd_, -1);
    in_ = std::move(o.in_);
    return *this;
  }
  ~WsClient() { Drop(); }

  // ---- the socket ----

  // A socket that is not connected yet; `receive_bytes` bounds its receive buffer.
  static WsClient Tcp(int receive_bytes = 0) {
    WsClient client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    setsockopt(client.fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (receive_bytes != 0) {
      setsockopt(client.fd_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    }
    return client;
  }
  bool Connect(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  static WsClient ToPort(uint16_t port) {
    WsClient client = Tcp();
    EXPECT_TRUE(client.Connect(port)) << strerror(errno);
    return client;
  }
  static WsClient ToPath(const std::string& path) {
    WsClient client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, path.data(), path.size());
    EXPECT_EQ(connect(client.fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0)
        << strerror(errno);
    return client;
  }

  int fd() const { return fd_; }
  // Without another word. What was not read makes it a reset.
  void Drop() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  // As a machine that lost its power and came back.
  void Reset() {
    const linger hard{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    Drop();
  }
  void EndWriting() { shutdown(fd_, SHUT_WR); }

  // ---- bytes ----

  // False: the server has gone.
  bool Write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0) {
        bytes.remove_prefix(size_t(n));
      } else if (errno == EAGAIN) {
        if (!Await(POLLOUT)) return false;
      } else if (errno != EINTR) {
        return false;
      }
    }
    return true;
  }
  // Whether `events` are there in time.
  bool Await(short events, int timeout_ms = kPatienceMs) const {
    pollfd poll{fd_, events, 0};
    return ::poll(&poll, 1, timeout_ms) == 1;
  }
  // More bytes in in(). False: the end, orderly or not.
  bool Read() {
    for (;;) {
      if (!Await(POLLIN)) {
        ADD_FAILURE() << "nothing came within " << kPatienceMs << " ms";
        return false;
      }
      char piece[64 * 1024];
      const ssize_t n = recv(fd_, piece, sizeof piece, MSG_DONTWAIT);
      if (n > 0) {
        in_.append(piece, size_t(n));
        return true;
      }
      if (n == 0 || (errno != EAGAIN && errno != EINTR)) return false;
    }
  }
  // All that comes until the server closes.
  std::string ReadToEnd() {
    while (Read()) {
    }
    return std::exchange(in_, {});
  }
  bool AtEnd() { return in_.empty() && !Read(); }
  const std::string& in() const { return in_; }
  bool HasInput() const { return !in_.empty() || Await(POLLIN, 0); }

  // ---- the handshake ----

  // A response's head with its empty line; "" if the server closes before.
  std::string ReadHead() {
    size_t end;
    while ((end = in_.find("\r\n\r\n")) == std::string::npos) {
      if (!Read()) return "";
    }
    std::string head = in_.substr(0, end + 4);
    in_.erase(0, end + 4);
    return head;
  }
  int ReadStatus() {
    const std::string head = ReadHead();
    return head.size() > 12 ? atoi(head.c_str() + 9) : 0;
  }
  bool Upgrade(std::string_view path, std::string_view more_lines = "") {
    return Write(UpgradeHead(path, more_lines)) && ReadStatus() == 101;
  }

  // ---- frames ----

  bool SendFrame(uint8_t first_byte, std::string_view payload) {
    return Write(MaskedFrame(first_byte, payload));
  }
  bool SendText(std::string_view text) { return SendFrame(0x81, text); }
  bool SendBinary(std::string_view bytes) { return SendFrame(0x82, bytes); }
  bool SendClose(uint16_t code, std::string_view reason = "") {
    return SendFrame(0x88, CloseBody(code, reason));
  }

  // The next frame; none (first_byte 0) if the server closes before.
  Frame ReadFrame() {
    for (;;) {
      if (std::optional<Frame> frame = TakeFrame()) return *std::move(frame);
      if (!Read()) return {};
    }
  }
  // The next message's payload; pings in between are answered.
  std::string ReadText() {
    for (;;) {
      Frame frame = ReadFrame();
      if (frame.first_byte != 0x89) return std::move(frame.payload);
      SendFrame(0x8A, frame.payload);
    }
  }
  // The server's close frame, whatever comes before it.
  Frame ReadClose() {
    for (;;) {
      Frame frame = ReadFrame();
      if (frame.is_close() || frame.first_byte == 0) return frame;
    }
  }

 private:
  std::optional<Frame> TakeFrame() {
    const auto byte = [&](size_t i) { return uint64_t{uint8_t(in_[i])}; };
    if (in_.size() < 2) return std::nullopt;
    EXPECT_EQ(byte(1) & 0x80, 0u) << "a server's frame is not masked";
    EXPECT_EQ(byte(0) & 0x70, 0u) << "no extension was agreed";
    size_t header = 2;
    uint64_t size = byte(1) & 0x7F;
    const size_t length_bytes = size == 127 ? 8 : size == 126 ? 2 : 0;
    header += length_bytes;
    if (in_.size() < header) return std::nullopt;
    if (length_bytes != 0) size = 0;
    for (size_t i = 0; i < length_bytes; i++) size = size << 8 | byte(2 + i);
    if (in_.size() - header < size) return std::nullopt;
    Frame frame{uint8_t(in_[0]), in_.substr(header, size)};
    in_.erase(0, header + size);
    return frame;
  }

  int fd_;
  std::string in_;
};

}  // namespace fanwire::test

#endif  // FANWIRE_TEST_WS_CLIENT_H_
