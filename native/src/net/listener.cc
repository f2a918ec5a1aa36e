#include "net/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace fanwire {
namespace {

const sockaddr* Generic(const void* address) { return static_cast<const sockaddr*>(address); }

}  // namespace

Listener::~Listener() {
  if (!path_.empty()) unlink(path_.c_str());
  if (fd_ >= 0) close(fd_);
}

// The descriptor stays: its reactor still has it in its loop.
void Listener::Stop() {
  if (!path_.empty()) unlink(std::exchange(path_, {}).c_str());
  shutdown(fd_, SHUT_RDWR);
}

Status Listener::Open(const ListenOptions& options, std::shared_ptr<Listener>* out,
                      ListenResult* result) {
  std::shared_ptr<Listener> listener(new Listener);
  Status status = options.path.empty() ? listener->OpenTcp(options, result)
                                       : listener->OpenUnix(options, result);
  if (status.ok()) *out = std::move(listener);
  return status;
}

Status Listener::OpenUnix(const ListenOptions& options, ListenResult* result) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (options.path.size() >= sizeof address.sun_path)
    return Status::FromErrno("bind", ENAMETOOLONG, options.path);
  memcpy(address.sun_path, options.path.data(), options.path.size());
  fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return Status::FromErrno("socket", errno, "");
  if (bind(fd_, Generic(&address), sizeof address) != 0)
    return Status::FromErrno("bind", errno, options.path);
  path_ = options.path;  // ours from here on
  if (listen(fd_, options.backlog) != 0) return Status::FromErrno("listen", errno, options.path);
  result->path = options.path;
  return {};
}

Status Listener::OpenTcp(const ListenOptions& options, ListenResult* result) {
  sockaddr_storage storage{};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  socklen_t size = sizeof *v6;
  bool any_v6 = options.host.empty();
  storage.ss_family = AF_INET6;
  if (!any_v6 && inet_pton(AF_INET, options.host.c_str(), &v4->sin_addr) == 1) {
    storage.ss_family = AF_INET;
    size = sizeof *v4;
  } else if (!any_v6 && inet_pton(AF_INET6, options.host.c_str(), &v6->sin6_addr) != 1) {
    return Status::FromErrno("listen", EINVAL, options.host);
  }
  const std::string subject =
      (options.host.empty() ? "::" : options.host) + ":" + std::to_string(options.port);
  fd_ = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0 && any_v6 && errno == EAFNOSUPPORT) {  // a machine without IPv6
    storage.ss_family = AF_INET;
    size = sizeof *v4;
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  }
  if (fd_ < 0) return Status::FromErrno("socket", errno, subject);
  const int on = 1, off = 0;
  setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (storage.ss_family == AF_INET6) {
    v6->sin6_port = htons(options.port);
    setsockopt(fd_, IPPROTO_IPV6, IPV6_V6ONLY, any_v6 ? &off : &on, sizeof on);
  } else {
    v4->sin_port = htons(options.port);
  }
  if (bind(fd_, Generic(&storage), size) != 0) return Status::FromErrno("bind", errno, subject);
  if (listen(fd_, options.backlog) != 0) return Status::FromErrno("listen", errno, subject);
  tcp_ = true;
  size = sizeof storage;
  getsockname(fd_, reinterpret_cast<sockaddr*>(&storage), &size);
  char text[INET6_ADDRSTRLEN] = "";
  const bool is_v4 = storage.ss_family == AF_INET;
  inet_ntop(storage.ss_family, is_v4 ? static_cast<void*>(&v4->sin_addr) : &v6->sin6_addr, text,
            sizeof text);
  result->address = text;
  result->family = is_v4 ? "IPv4" : "IPv6";
  result->port = ntohs(is_v4 ? v4->sin_port : v6->sin6_port);
  return {};
}

int Listener::Accept(PeerAddress* peer) const {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  const int fd =
      accept4(fd_, reinterpret_cast<sockaddr*>(&storage), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return -1;
  *peer = PeerAddress::From(Generic(&storage));
  if (!tcp_) return fd;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

bool Listener::IsExhaustion(int error_number) {
  return error_number == EMFILE || error_number == ENFILE || error_number == ENOBUFS ||
         error_number == ENOMEM;
}

}  // namespace fanwire
