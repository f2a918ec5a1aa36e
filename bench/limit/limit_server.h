// LimitServer: the kernel's price. The least a WebSocket server can do: recv, send, epoll_wait.
// Path:      kernel -> [limit_server] -> kernel
// Threading: single-threaded program.
// Lifetime:  the process.
//
// No server can be cheaper than this one in the same conditions, so it is what the others are
// measured against. It frames a message once, sends once per client and round of the loop, and
// checks nothing. /echo answers the sender; every other path is one room of all its clients. Only
// for fanwire-load.
#ifndef FANWIRE_BENCH_LIMIT_LIMIT_SERVER_H_
#define FANWIRE_BENCH_LIMIT_LIMIT_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fanwire::bench {

class LimitServer {
 public:
  // Listens on 127.0.0.1; port 0 is any free one. Ends the process with a message when it cannot.
  explicit LimitServer(uint16_t port);
  LimitServer(const LimitServer&) = delete;
  LimitServer& operator=(const LimitServer&) = delete;

  uint16_t port() const { return port_; }

  // Serves until the process is ended from outside.
  [[noreturn]] void Run();

 private:
  // One per file descriptor, indexed by it.
  struct Client {
    bool upgraded = false;
    bool closing = false;
    int32_t member = -1;                    // index in members_, -1: an echo client
    std::unique_ptr<std::string> unparsed;  // the beginning of a frame
    std::unique_ptr<std::string> unsent;    // what the kernel did not take
  };

  void AcceptAll();
  void OnReadable(int fd);
  size_t OnBytes(int fd, std::string_view bytes);
  void Send(int fd, std::string_view bytes);
  void OnWritable(int fd);
  void SendRound();
  void Drop(int fd);

  int listener_;
  int epoll_;
  uint16_t port_;
  std::vector<char> read_buffer_;
  std::vector<Client> clients_;
  std::vector<int> members_;
  std::string reply_;  // answers to one read
  std::string round_;  // what the room gets after this round
};

}  // namespace fanwire::bench

#endif  // FANWIRE_BENCH_LIMIT_LIMIT_SERVER_H_
