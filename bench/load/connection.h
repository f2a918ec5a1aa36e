// Connection: one WebSocket client: connect, upgrade, frames in and out, the whole Close handshake.
// Path:      loop -> [connection] -> scenario -> [connection] -> kernel
// Threading: single-threaded program.
// Lifetime:  never destroyed while the loop runs; may be opened again once closed.
//
// Strict on purpose: a masked, fragmented, reserved or unasked-for frame from the server ends the
// run.
#ifndef FANWIRE_BENCH_LOAD_CONNECTION_H_
#define FANWIRE_BENCH_LOAD_CONNECTION_H_

#include <netinet/in.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "loop.h"

namespace fanwire::bench {

class Connection final : public Loop::Handler {
 public:
  enum class State : uint8_t { kClosed, kConnecting, kUpgrading, kOpen, kClosing };

  class Listener {
   public:
    virtual void OnOpen(Connection&) {}
    // `payload` is valid during the call only.
    virtual void OnMessage(Connection&, std::string_view payload, bool text);
    virtual void OnPong(Connection&, std::string_view payload);
    // The Close handshake that Close() began is complete: Close came back, then the end of stream.
    virtual void OnClosed(Connection&) {}

   protected:
    ~Listener() = default;
  };

  // `request` is the head of the upgrade request, the same for all. Both outlive the connection.
  Connection(Loop* loop, Listener* listener, const std::string* request, uint32_t number)
      : loop_(loop), listener_(listener), request_(request), number_(number) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // REQUIRES: state() == kClosed. A refusal fails the run.
  void Open(in_addr source, in_addr host, uint16_t port);

  // Frames appended here leave with the next Flush(); the connection itself flushes once after all
  // the messages of one read, so that answers to a burst leave as a burst.
  std::string& outbox() { return outbox_; }
  void Flush();

  // Sends Close 1000. REQUIRES: state() == kOpen.
  void Close();

  State state() const { return state_; }
  uint32_t number() const { return number_; }
  // When Open() was last called.
  int64_t opened_ns() const { return opened_ns_; }

 private:
  void OnReady(uint32_t epoll_events) override;
  void OnConnected();
  void OnBytes(std::string_view bytes);
  size_t ReadResponse(std::string_view bytes);
  size_t ReadFrame(std::string_view bytes);
  void OnFrame(uint8_t opcode, std::string_view payload);
  void OnEnd();
  void Watch(uint32_t epoll_events);
  [[noreturn]] void Refuse(std::string_view reason) const;

  Loop* const loop_;
  Listener* const listener_;
  const std::string* const request_;
  const uint32_t number_;
  int fd_ = -1;
  int64_t opened_ns_ = 0;
  uint32_t watched_ = 0;
  State state_ = State::kClosed;
  bool close_seen_ = false;
  std::string inbox_;  // the beginning of a frame whose rest has not come yet
  std::string outbox_;
};

}  // namespace fanwire::bench

#endif  // FANWIRE_BENCH_LOAD_CONNECTION_H_
