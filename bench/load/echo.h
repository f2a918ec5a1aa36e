// Echo: each client has its own messages sent back, `outstanding` of them under way at any time.
// Path:      [echo] -> connection -> server's handler -> connection -> [echo]
// Threading: single-threaded program.
// Lifetime:  one run.
#ifndef FANWIRE_BENCH_LOAD_ECHO_H_
#define FANWIRE_BENCH_LOAD_ECHO_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "connection.h"
#include "message_book.h"
#include "window.h"

namespace fanwire::bench {

class Echo final : public Connection::Listener {
 public:
  Echo(Loop* loop, const Options& options);
  void Run(Report* report);

 private:
  struct Client {
    uint64_t sent = 0;
    uint64_t received = 0;
    std::vector<int64_t> sent_ns;  // by sequence, modulo `outstanding`
  };

  void OnMessage(Connection& connection, std::string_view payload, bool text) override;
  void Send(Connection& connection, int64_t now_ns);

  Loop* const loop_;
  const Options& options_;
  const MessageBook book_;
  Window window_;
  std::vector<Client> clients_;
};

}  // namespace fanwire::bench

#endif  // FANWIRE_BENCH_LOAD_ECHO_H_
