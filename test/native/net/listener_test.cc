#include "net/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "test/native/engine/ws_client.h"

namespace fanwire::test {
namespace {

ListenOptions At(std::string host, uint16_t port = 0) {
  ListenOptions options;
  options.host = std::move(host);
  options.port = port;
  return options;
}
ListenOptions AtPath(std::string path) {
  ListenOptions options;
  options.path = std::move(path);
  return options;
}

class ListenerTest : public testing::Test {
 protected:
  ListenerTest() { EXPECT_NE(mkdtemp(directory_.data()), nullptr); }
  ~ListenerTest() override { rmdir(directory_.c_str()); }
  // The peer of the one who has connected.
  PeerAddress AcceptOne() {
    pollfd poll{listener_->fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&poll, 1, kPatienceMs), 1);
    PeerAddress peer;
    const int fd = listener_->Accept(&peer);
    EXPECT_GE(fd, 0);
    EXPECT_NE(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    close(fd);
    return peer;
  }

  std::string directory_ = "/tmp/fanwire-test-XXXXXX";
  std::shared_ptr<Listener> listener_;
  ListenResult result_;
};

TEST_F(ListenerTest, PortNoughtIsOnePortAndItsNumberIsTold) {
  ASSERT_TRUE(Listener::Open(At("127.0.0.1"), &listener_, &result_).ok());
  EXPECT_NE(result_.port, 0);
  EXPECT_EQ(result_.address, "127.0.0.1");
  EXPECT_EQ(result_.family, "IPv4");
  WsClient client = WsClient::ToPort(result_.port);
  const PeerAddress peer = AcceptOne();
  EXPECT_EQ(peer.ToString(), "127.0.0.1");
  EXPECT_NE(peer.port, 0);
}

TEST_F(ListenerTest, AcceptAnswersWhenNobodyIsThere) {
  ASSERT_TRUE(Listener::Open(At("127.0.0.1"), &listener_, &result_).ok());
  PeerAddress peer;
  EXPECT_EQ(listener_->Accept(&peer), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_FALSE(Listener::IsExhaustion(EAGAIN));
  EXPECT_TRUE(Listener::IsExhaustion(EMFILE));
}

TEST_F(ListenerTest, APortThatIsTakenIsAnErrorAndFreeAgainAfterTheFirst) {
  ASSERT_TRUE(Listener::Open(At("127.0.0.1"), &listener_, &result_).ok());
  std::shared_ptr<Listener> second;
  ListenResult second_result;
  const Status status = Listener::Open(At("127.0.0.1", result_.port), &second, &second_result);
  EXPECT_EQ(status.code(), "EADDRINUSE");
  EXPECT_EQ(status.error_number(), EADDRINUSE);
  EXPECT_NE(status.message().find("127.0.0.1:" + std::to_string(result_.port)), std::string::npos)
      << status.message();
  EXPECT_EQ(second, nullptr);
  listener_.reset();
  EXPECT_TRUE(Listener::Open(At("127.0.0.1", result_.port), &second, &second_result).ok());
}

TEST_F(ListenerTest, NoHostIsBothFamilies) {
  ASSERT_TRUE(Listener::Open(At(""), &listener_, &result_).ok());
  EXPECT_EQ(result_.address, "::");
  EXPECT_EQ(result_.family, "IPv6");
  WsClient client = WsClient::ToPort(result_.port);
  EXPECT_EQ(AcceptOne().ToString(), "127.0.0.1");
}

TEST_F(ListenerTest, AnIpv6HostIsThatAlone) {
  ASSERT_TRUE(Listener::Open(At("::1"), &listener_, &result_).ok());
  EXPECT_EQ(result_.family, "IPv6");
  EXPECT_EQ(result_.address, "::1");
  EXPECT_FALSE(WsClient::Tcp().Connect(result_.port));
  WsClient client(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(result_.port);
  address.sin6_addr = in6addr_loopback;
  ASSERT_EQ(connect(client.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(AcceptOne().ToString(), "::1");
}

TEST_F(ListenerTest, WhatIsNoAddressIsAnError) {
  for (const char* host : {"localhost", "127.0.0.256", "1.2.3", "::g", "127.0.0.1 ", "[::1]"}) {
    const Status status = Listener::Open(At(host), &listener_, &result_);
    EXPECT_EQ(status.code(), "EINVAL") << host;
    EXPECT_EQ(listener_, nullptr);
  }
  EXPECT_EQ(Listener::Open(At("192.0.2.1"), &listener_, &result_).code(), "EADDRNOTAVAIL");
}

TEST_F(ListenerTest, AUnixPathIsUnlinkedWithItsListener) {
  const std::string path = directory_ + "/socket";
  ASSERT_TRUE(Listener::Open(AtPath(path), &listener_, &result_).ok());
  EXPECT_EQ(result_.path, path);
  WsClient client = WsClient::ToPath(path);
  EXPECT_EQ(AcceptOne().family, PeerAddress::Family::kUnix);
  std::shared_ptr<Listener> second;
  EXPECT_EQ(Listener::Open(AtPath(path), &second, &result_).code(), "EADDRINUSE");
  struct stat status;
  EXPECT_EQ(stat(path.c_str(), &status), 0);  // the loser has not unlinked the winner's
  listener_.reset();
  EXPECT_NE(stat(path.c_str(), &status), 0);
}

TEST_F(ListenerTest, AUnixPathThatIsTooLongIsAnError) {
  const Status status =
      Listener::Open(AtPath(directory_ + "/" + std::string(200, 'x')), &listener_, &result_);
  EXPECT_EQ(status.code(), "ENAMETOOLONG");
  EXPECT_EQ(Listener::Open(AtPath(directory_ + "/none/socket"), &listener_, &result_).code(),
            "ENOENT");
}

}  // namespace
}  // namespace fanwire::test
