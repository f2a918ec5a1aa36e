#include "base/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace fanwire {

PeerAddress PeerAddress::From(const sockaddr* address) {
  PeerAddress peer;
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    peer.family = Family::kIpv4;
    peer.port = ntohs(v4->sin_port);
    memcpy(peer.ip.data(), &v4->sin_addr, 4);
  } else if (address->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    peer.port = ntohs(v6->sin6_port);
    const uint8_t* bytes = v6->sin6_addr.s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
      peer.family = Family::kIpv4;
      memcpy(peer.ip.data(), bytes + 12, 4);
    } else {
      peer.family = Family::kIpv6;
      memcpy(peer.ip.data(), bytes, 16);
    }
  } else if (address->sa_family == AF_UNIX) {
    peer.family = Family::kUnix;
  }
  return peer;
}

PeerAddress PeerAddress::OfSocket(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (getpeername(fd, address, &size) != 0) return {};
  return From(address);
}

std::string PeerAddress::ToString() const {
  if (family != Family::kIpv4 && family != Family::kIpv6) return "";
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(family == Family::kIpv4 ? AF_INET : AF_INET6, ip.data(), text, sizeof text);
  return text;
}

}  // namespace fanwire
