#include "base/peer_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace fanwire {
namespace {

using Family = PeerAddress::Family;

PeerAddress FromV6(const char* text, uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  EXPECT_EQ(inet_pton(AF_INET6, text, &address.sin6_addr), 1);
  return PeerAddress::From(reinterpret_cast<const sockaddr*>(&address));
}

PeerAddress FromV4(const char* text, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  EXPECT_EQ(inet_pton(AF_INET, text, &address.sin_addr), 1);
  return PeerAddress::From(reinterpret_cast<const sockaddr*>(&address));
}

TEST(PeerAddressTest, WritesAddressesAsPeopleDo) {
  EXPECT_EQ(FromV4("192.0.2.7", 8'080).ToString(), "192.0.2.7");
  EXPECT_EQ(FromV4("192.0.2.7", 8'080).port, 8'080);
  EXPECT_EQ(FromV6("2001:db8::1", 65'535).ToString(), "2001:db8::1");
  EXPECT_EQ(FromV6("2001:db8::1", 65'535).port, 65'535);
  EXPECT_EQ(FromV6("::1", 1).family, Family::kIpv6);
}

TEST(PeerAddressTest, AMappedIpv4IsTheSameAddress) {
  EXPECT_EQ(FromV6("::ffff:192.0.2.7", 80), FromV4("192.0.2.7", 80));
}

TEST(PeerAddressTest, AUnixPeerHasNoText) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const PeerAddress peer = PeerAddress::From(reinterpret_cast<const sockaddr*>(&address));
  EXPECT_EQ(peer.family, Family::kUnix);
  EXPECT_EQ(peer.ToString(), "");
}

TEST(PeerAddressTest, AnUnknownFamilyIsNobody) {
  sockaddr address{};
  address.sa_family = AF_UNSPEC;
  EXPECT_EQ(PeerAddress::From(&address), PeerAddress());
}

TEST(PeerAddressTest, ASocketTellsItsPeer) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  EXPECT_EQ(PeerAddress::OfSocket(pair[0]).family, Family::kUnix);
  close(pair[0]);
  close(pair[1]);
  EXPECT_EQ(PeerAddress::OfSocket(-1), PeerAddress());
}

}  // namespace
}  // namespace fanwire
