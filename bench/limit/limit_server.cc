#include "limit_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "wire.h"

namespace fanwire::bench {
namespace {

void Require(bool held, const char* what) {
  if (held) return;
  std::perror(what);
  std::exit(1);
}

}  // namespace

LimitServer::LimitServer(uint16_t port)
    : listener_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      read_buffer_(512 * 1024),
      clients_(1024) {
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted sockets inherit it
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t length = sizeof address;
  Require(bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0, "bind");
  Require(listen(listener_, 4096) == 0, "listen");
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  epoll_event event{.events = EPOLLIN, .data = {.fd = listener_}};
  Require(epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event) == 0, "epoll_ctl");
}

void LimitServer::Run() {
  std::array<epoll_event, 1024> events;
  for (;;) {
    const int ready = epoll_wait(epoll_, events.data(), events.size(), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener_) {
        AcceptAll();
        continue;
      }
      if (events[i].events & EPOLLOUT) OnWritable(fd);
      if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) OnReadable(fd);
    }
    if (!round_.empty()) SendRound();
  }
}

void LimitServer::AcceptAll() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (static_cast<size_t>(fd) >= clients_.size()) clients_.resize(clients_.size() * 2);
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    Require(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
  }
}

void LimitServer::OnReadable(int fd) {
  Client& client = clients_[fd];
  const ssize_t got = recv(fd, read_buffer_.data(), read_buffer_.size(), 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return Drop(fd);
  std::string_view bytes(read_buffer_.data(), static_cast<size_t>(got));
  const std::unique_ptr<std::string> joined = std::move(client.unparsed);
  if (joined) bytes = joined->append(bytes);
  const size_t used = OnBytes(fd, bytes);
  if (used < bytes.size()) client.unparsed = std::make_unique<std::string>(bytes.substr(used));
  if (!reply_.empty()) Send(fd, reply_);
  reply_.clear();
  if (client.closing) Drop(fd);
}

size_t LimitServer::OnBytes(int fd, std::string_view bytes) {
  Client& client = clients_[fd];
  size_t used = 0;
  if (!client.upgraded) {
    const std::string_view path = ReadRequest(bytes, &used);
    if (used == 0) return 0;
    client.upgraded = true;
    reply_.append(kSwitchingProtocols);
    if (path != "/echo") {
      client.member = static_cast<int32_t>(members_.size());
      members_.push_back(fd);
    }
  }
  ClientFrame frame;
  while (const size_t length = ReadClientFrame(bytes.substr(used), &frame)) {
    used += length;
    switch (frame.opcode) {
      case 0x1:
      case 0x2:
        AppendServerFrame(frame, frame.opcode, client.member < 0 ? &reply_ : &round_);
        break;
      case 0x9:
        AppendServerFrame(frame, 0xa, &reply_);
        break;
      case 0x8:
        AppendServerFrame(frame, 0x8, &reply_);
        client.closing = true;
        return bytes.size();
      default:
        break;
    }
  }
  return used;
}

void LimitServer::Send(int fd, std::string_view bytes) {
  Client& client = clients_[fd];
  if (client.unsent) {
    client.unsent->append(bytes);
    return;
  }
  const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent == static_cast<ssize_t>(bytes.size())) return;
  client.unsent =
      std::make_unique<std::string>(bytes.substr(sent < 0 ? 0 : static_cast<size_t>(sent)));
  epoll_event event{.events = EPOLLIN | EPOLLOUT, .data = {.fd = fd}};
  epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
}

void LimitServer::OnWritable(int fd) {
  const std::unique_ptr<std::string> unsent = std::move(clients_[fd].unsent);
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
  if (unsent) Send(fd, *unsent);
}

void LimitServer::SendRound() {
  for (const int fd : members_) Send(fd, round_);
  round_.clear();
}

void LimitServer::Drop(int fd) {
  Client& client = clients_[fd];
  if (client.member >= 0) {
    members_[client.member] = members_.back();
    clients_[members_.back()].member = client.member;
    members_.pop_back();
  }
  client = Client();
  close(fd);
}

}  // namespace fanwire::bench
