// Connection: one socket in libwebsockets' care: first its handshake, then the stream under a
// session.
// Path:      bytes in -> [connection] -> handshake, then session; fan-out -> session ->
//            [connection] -> bytes out
// Threading: reactor-owned.
// Lifetime:  from adoption to the end of the round in which libwebsockets has closed the socket;
//            owned by its reactor.
#ifndef FANWIRE_NET_CONNECTION_H_
#define FANWIRE_NET_CONNECTION_H_

#include <libwebsockets.h>

#include <memory>
#include <string_view>

#include "core/session.h"
#include "core/stream.h"
#include "net/epoll_loop.h"

namespace fanwire {

class Handshake;
class Reactor;

class Connection final : public Stream, public HangupHandler {
 public:
  explicit Connection(Reactor& reactor);
  ~Connection() override;

  // Once libwebsockets has the socket.
  void Attach(lws* wsi);
  void StartHandshake(std::unique_ptr<Handshake> handshake);

  // libwebsockets' calls.
  void OnBytes(uint8_t* data, size_t size);
  void OnWritable();
  void OnClosed();  // the socket is gone
  void OnHangup() override;

  // The handshake's end.
  void Become(Session& session);

  // Stream.
  ssize_t TryWrite(const uint8_t* data, size_t size) override;
  void RequestWritable() override;
  void SetReading(bool on) override;
  void ShutdownWrite() override;
  void Close() override;  // at the end of the round; nothing is told any more

  // Takes, or gives back, a place under maxConnections.
  void Admit(bool on);

  lws* wsi() const { return wsi_; }
  Reactor& reactor() { return reactor_; }
  Handshake* handshake() const { return handshake_.get(); }

 private:
  Reactor& reactor_;
  lws* wsi_ = nullptr;
  int fd_ = -1;
  bool closing_ = false, admitted_ = false;
  std::unique_ptr<Handshake> handshake_;
  Session* session_ = nullptr;
};

}  // namespace fanwire

#endif  // FANWIRE_NET_CONNECTION_H_
