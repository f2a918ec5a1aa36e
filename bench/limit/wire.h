// Wire: as much of HTTP and RFC 6455 as the load client needs to be answered, and nothing that
// could cost. Path:      limit_server -> [wire] -> limit_server Threading: pure functions.
// Lifetime:  none; what is returned points into the bytes given.
#ifndef FANWIRE_BENCH_LIMIT_WIRE_H_
#define FANWIRE_BENCH_LIMIT_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fanwire::bench {

// The 101 for the one key that fanwire-load sends (load/upgrade.h).
extern const std::string_view kSwitchingProtocols;

// The path of a whole upgrade request; sets `used` to its length, or to 0 while its end is missing.
std::string_view ReadRequest(std::string_view bytes, size_t* used);

struct ClientFrame {
  uint8_t opcode = 0;
  const char* masked = nullptr;
  size_t length = 0;
  uint32_t mask = 0;
};

// Reads one frame; returns its whole length, or 0 while its end is missing. Trusts the client: it
// is ours.
size_t ReadClientFrame(std::string_view bytes, ClientFrame* frame);

// Appends the frame as a server sends it: unmasked, FIN set, with `opcode`.
void AppendServerFrame(const ClientFrame& frame, uint8_t opcode, std::string* out);

}  // namespace fanwire::bench

#endif  // FANWIRE_BENCH_LIMIT_WIRE_H_
