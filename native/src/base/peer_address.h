// PeerAddress: who is at the other end, in 20 bytes.
// Path:      beside the data path.
// Threading: a value.
// Lifetime:  a value.
#ifndef FANWIRE_BASE_PEER_ADDRESS_H_
#define FANWIRE_BASE_PEER_ADDRESS_H_

#include <array>
#include <cstdint>
#include <string>

struct sockaddr;

namespace fanwire {

struct PeerAddress {
  enum class Family : uint8_t { kNone, kIpv4, kIpv6, kUnix };

  Family family = Family::kNone;
  uint16_t port = 0;
  std::array<uint8_t, 16> ip{};

  static PeerAddress From(const sockaddr* address);
  static PeerAddress OfSocket(int fd);  // the peer's; kNone if there is none

  std::string ToString()
      const;  // without the port; an IPv4-mapped address as IPv4; empty for a Unix socket
  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};

}  // namespace fanwire

#endif  // FANWIRE_BASE_PEER_ADDRESS_H_
