// EngineOptions, EndpointOptions, ListenOptions: what the application chose, already validated by
// lib/options.js.
// Path:      beside the data path.
// Threading: values; an endpoint's options are immutable once it is added.
// Lifetime:  values.
#ifndef FANWIRE_OPTIONS_H_
#define FANWIRE_OPTIONS_H_

#include <cstdint>
#include <string>

namespace fanwire {

struct EngineOptions {
  uint32_t threads = 1;
  uint32_t handshake_timeout_ms = 10'000;
  uint32_t max_header_bytes = 16 * 1024;
  uint32_t max_connections = 0;                  // 0: no limit; beyond it 503
  uint64_t max_incomplete_bytes = 256ull << 20;  // of incomplete messages, all sessions together
  uint32_t message_timeout_ms = 30'000;          // for one incomplete message
  uint64_t max_mailbox_bytes = 16ull << 20;      // per reactor
  uint32_t max_rooms_per_session = 1024;
  uint32_t linger_us = 100;  // upper bound of the pause before a big fan-out
};

// What happens when a session's outbox is full.
enum class OverflowPolicy : uint8_t {
  kClose = 0,
  kDropOldest = 1,
  kDropNewest = 2,
  kKeepLatest = 3
};

struct EndpointOptions {
  std::string pattern;
  bool deliver = false;       // messages go to JavaScript
  bool open = false;          // JavaScript wants to hear of an open
  bool close = false;         // ... and of a close
  bool authenticate = false;  // JavaScript gives the verdict before the 101
  bool observe = false;       // JavaScript wants to hear of errors or drains
  std::string publish_to;     // room template; empty: none
  bool except_sender = false;
  uint32_t max_message_bytes = 1 << 20;
  uint32_t high_water_mark_bytes = 64 * 1024;
  uint32_t max_buffered_bytes = 2 << 20;
  uint32_t send_timeout_ms = 10'000;
  uint32_t ping_interval_ms = 25'000;  // 0: never
  uint32_t pong_timeout_ms = 20'000;
  uint32_t close_timeout_ms = 5'000;
  OverflowPolicy overflow = OverflowPolicy::kClose;

  bool told() const { return deliver || open || close || authenticate || observe; }
};

struct ListenOptions {
  std::string host;  // an IP literal; empty: any address
  uint16_t port = 0;
  std::string path;  // a Unix socket instead
  int backlog = 511;
};

struct ListenResult {
  uint32_t id = 0;
  std::string address, family, path;
  uint16_t port = 0;
};

}  // namespace fanwire

#endif  // FANWIRE_OPTIONS_H_
