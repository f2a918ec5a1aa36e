// Handshake: from a socket's first byte to the 101 or a refusal; the one way in for every door.
// Path:      bytes in -> connection -> [handshake] -> session
// Threading: reactor-owned; the verdict of `authenticate` comes as a command.
// Lifetime:  part of a Connection until it has become a session or was refused.
//
// Checks, cheapest first: the head itself, method, version and headers (RFC 6455 section 4),
// connection limit, path, then the application's `authenticate`. The 101 is written here.
#ifndef FANWIRE_NET_HANDSHAKE_H_
#define FANWIRE_NET_HANDSHAKE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "base/peer_address.h"
#include "base/timing_wheel.h"
#include "core/path_pattern.h"
#include "core/router.h"
#include "fanwire/command.h"
#include "protocol/http_head.h"

namespace fanwire {

class Connection;
class Reactor;

class Handshake final : private TimerOwner {
 public:
  // `endpoint` -1: found by the path; else the one that JavaScript has chosen. `token` names an
  // adoption.
  Handshake(Connection& connection, const PeerAddress& peer, int32_t endpoint, uint32_t token);
  ~Handshake();

  void OnBytes(uint8_t* data, size_t size);
  void OnHangup();

  // The verdict on a pending `authenticate`.
  void Accept(std::string_view header_lines);
  void Refuse(uint16_t status, std::string_view header_lines, std::string_view body);

  SessionId id() const { return id_; }

 private:
  enum class Phase : uint8_t { kHead, kVerdict, kAnswered };
  static constexpr size_t kMaxFields = 100;

  void OnHead(const RequestHead& head, std::string_view head_bytes, uint8_t* rest,
              size_t rest_size);
  bool Allocate(std::string_view head_bytes);
  void AskApplication();
  void Switch(std::string_view header_lines, uint8_t* rest, size_t rest_size);
  void OnTimer() override;
  void GiveUp();
  void FreeId();

  Connection& connection_;
  Reactor& reactor_;
  const PeerAddress peer_;
  const int32_t forced_endpoint_;
  const uint32_t token_;
  Phase phase_ = Phase::kHead;
  Timer timer_;
  HeadScanner scanner_;
  ByteBuffer buffer_;  // the head so far; then, while the verdict is pending, what came after it
  const Endpoint* endpoint_ = nullptr;
  PathParams params_;
  std::string key_;
  SessionId id_;
};

}  // namespace fanwire

#endif  // FANWIRE_NET_HANDSHAKE_H_
