#include "connection.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "fail.h"
#include "message_book.h"
#include "upgrade.h"

namespace fanwire::bench {
namespace {

constexpr size_t kReadBytes = 1 << 20;

// One read buffer for all: the program has one thread and reads one socket at a time.
char* ReadBuffer() {
  static std::vector<char> buffer(kReadBytes);
  return buffer.data();
}

}  // namespace

void Connection::Listener::OnMessage(Connection&, std::string_view, bool) {
  Fail("a message came that nobody sent");
}

void Connection::Listener::OnPong(Connection&, std::string_view) {
  Fail("a pong came that nobody asked for");
}

Connection::~Connection() {
  if (fd_ >= 0) close(fd_);
}

void Connection::Refuse(std::string_view reason) const {
  Fail("connection " + std::to_string(number_) + ": " + std::string(reason));
}

void Connection::Open(in_addr source, in_addr host, uint16_t port) {
  opened_ns_ = NowNs();
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) FailErrno("socket");
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr = source;
  if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) FailErrno("bind");
  address.sin_addr = host;
  address.sin_port = htons(port);
  close_seen_ = false;
  state_ = State::kConnecting;
  const bool connected = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  if (!connected && errno != EINPROGRESS) FailErrno("connect");
  watched_ = connected ? EPOLLIN : EPOLLOUT;
  loop_->Add(fd_, watched_, this);
  if (connected) OnConnected();
}

void Connection::OnConnected() {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) Refuse(std::string("connect: ") + std::strerror(error));
  state_ = State::kUpgrading;
  Watch(EPOLLIN);
  outbox_ = *request_;
  Flush();
}

void Connection::Watch(uint32_t epoll_events) {
  if (epoll_events == watched_) return;
  watched_ = epoll_events;
  loop_->Change(fd_, epoll_events, this);
}

void Connection::Flush() {
  if (outbox_.empty()) return;
  const ssize_t sent = send(fd_, outbox_.data(), outbox_.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) Refuse(std::string("send: ") + std::strerror(errno));
  if (sent == static_cast<ssize_t>(outbox_.size())) {
    outbox_.clear();
    Watch(EPOLLIN);
    return;
  }
  if (sent > 0) outbox_.erase(0, static_cast<size_t>(sent));
  Watch(EPOLLIN | EPOLLOUT);
}

void Connection::Close() {
  state_ = State::kClosing;
  MessageBook::AppendControl(0x8, {"\x03\xe8", 2}, &outbox_);
  Flush();
}

void Connection::OnReady(uint32_t epoll_events) {
  if (state_ == State::kConnecting) return OnConnected();
  if (epoll_events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    ssize_t got = 0;
    do {
      got = recv(fd_, ReadBuffer(), kReadBytes, 0);
      if (got == 0) return OnEnd();
      if (got < 0) {
        if (errno == EAGAIN) break;
        Refuse(std::string("recv: ") + std::strerror(errno));
      }
      OnBytes({ReadBuffer(), static_cast<size_t>(got)});
    } while (got == static_cast<ssize_t>(kReadBytes));
    return Flush();
  }
  if (epoll_events & EPOLLOUT) Flush();
}

void Connection::OnBytes(std::string_view bytes) {
  const bool carried = !inbox_.empty();
  std::string joined;
  if (carried) {
    joined = std::move(inbox_);
    inbox_.clear();
    joined.append(bytes);
    bytes = joined;
  }
  while (!bytes.empty()) {
    const size_t used = state_ == State::kUpgrading ? ReadResponse(bytes) : ReadFrame(bytes);
    if (used == 0) break;
    bytes.remove_prefix(used);
  }
  inbox_.assign(bytes);
}

size_t Connection::ReadResponse(std::string_view bytes) {
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() > 16'384) Refuse("the answer to the upgrade has no end");
    return 0;
  }
  const std::string_view head = bytes.substr(0, end + 2);
  if (!IsAccepted(head)) Refuse("not upgraded: " + std::string(head.substr(0, head.find('\r'))));
  state_ = State::kOpen;
  listener_->OnOpen(*this);
  return end + 4;
}

// Returns the bytes of one whole frame, or 0 when it is not all there.
size_t Connection::ReadFrame(std::string_view bytes) {
  if (bytes.size() < 2) return 0;
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  if ((byte(0) & 0xf0) != 0x80) Refuse("a frame is fragmented or has reserved bits");
  if (byte(1) & 0x80) Refuse("a frame from the server is masked");
  uint64_t length = byte(1);
  size_t head = 2;
  if (length >= 126) {
    head = length == 126 ? 4 : 10;
    if (bytes.size() < head) return 0;
    length = 0;
    for (size_t i = 2; i < head; ++i) length = length << 8 | byte(i);
    if (length > (1u << 20)) Refuse("a frame is longer than any that was sent");
  }
  if (bytes.size() < head + length) return 0;
  OnFrame(byte(0) & 0x0f, bytes.substr(head, length));
  return head + length;
}

void Connection::OnFrame(uint8_t opcode, std::string_view payload) {
  if (close_seen_) Refuse("a frame came after Close");
  switch (opcode) {
    case 0x1:
    case 0x2:
      return listener_->OnMessage(*this, payload, opcode == 0x1);
    case 0x8:
      if (state_ != State::kClosing) {
        Refuse("closed by the server" +
               (payload.size() < 2
                    ? std::string()
                    : " with " + std::to_string(static_cast<uint8_t>(payload[0]) << 8 |
                                                static_cast<uint8_t>(payload[1]))));
      }
      close_seen_ = true;
      return;
    case 0x9:
      return MessageBook::AppendControl(0xa, payload, &outbox_);
    case 0xa:
      return listener_->OnPong(*this, payload);
    default:
      Refuse("a frame has an unknown opcode");
  }
}

void Connection::OnEnd() {
  if (!close_seen_) Refuse("the server ended the stream without Close");
  close(fd_);
  fd_ = -1;
  outbox_.clear();
  inbox_.clear();
  state_ = State::kClosed;
  listener_->OnClosed(*this);
}

}  // namespace fanwire::bench
