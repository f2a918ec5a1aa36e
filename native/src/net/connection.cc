#include "net/connection.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "net/handshake.h"
#include "net/reactor.h"

namespace fanwire {

Connection::Connection(Reactor& reactor) : reactor_(reactor) {}

Connection::~Connection() = default;

void Connection::Attach(lws* wsi) {
  wsi_ = wsi;
  fd_ = lws_get_socket_fd(wsi);
}

void Connection::StartHandshake(std::unique_ptr<Handshake> handshake) {
  handshake_ = std::move(handshake);
}

void Connection::OnBytes(uint8_t* data, size_t size) {
  if (closing_) return;
  reactor_.hub().counters().bytes_in.Add(size);
  if (session_ != nullptr) return session_->OnBytes(data, size);
  if (handshake_ != nullptr) handshake_->OnBytes(data, size);
}

void Connection::OnWritable() {
  if (session_ != nullptr) session_->OnWritable();
}

void Connection::OnHangup() {
  if (handshake_ != nullptr) handshake_->OnHangup();
}

void Connection::Admit(bool on) {
  if (std::exchange(admitted_, on) != on) reactor_.CountAdmitted(on ? 1 : -1);
}

void Connection::OnClosed() {
  Admit(false);
  int error_number = 0;
  socklen_t size = sizeof error_number;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error_number, &size);
  wsi_ = nullptr;
  if (Session* session = std::exchange(session_, nullptr)) session->OnStreamClosed(error_number);
  if (handshake_ != nullptr) handshake_->OnHangup();
  reactor_.Bury(*this);
}

void Connection::Become(Session& session) {
  session_ = &session;
  reactor_.Retire(std::move(handshake_));  // it is the caller: gone at the end of the round
}

ssize_t Connection::TryWrite(const uint8_t* data, size_t size) {
  if (wsi_ == nullptr || closing_) return -1;
  for (;;) {
    const ssize_t n = send(fd_, data, size, MSG_NOSIGNAL);
    if (n >= 0) return n;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) return -1;
  }
}

void Connection::RequestWritable() {
  if (wsi_ != nullptr) lws_callback_on_writable(wsi_);
}

void Connection::SetReading(bool on) {
  if (wsi_ != nullptr) reactor_.loop().SetReading(fd_, on, this);
}

void Connection::ShutdownWrite() {
  if (wsi_ != nullptr) shutdown(fd_, SHUT_WR);
}

void Connection::Close() {
  session_ = nullptr;
  if (std::exchange(closing_, true) || wsi_ == nullptr) return;
  reactor_.CloseAtEndOfRound(*this);
}

}  // namespace fanwire
