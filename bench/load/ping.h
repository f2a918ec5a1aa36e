// Ping: each client sends control pings, one under way at a time, and times the pongs.
// Path:      [ping] -> connection -> server's protocol layer -> connection -> [ping]
// Threading: single-threaded program.
// Lifetime:  one run.
//
// At a rate a client pings when it is time, or as soon after it as the last pong has come; so the
// time in which a server is stalled shows as a sample per client, not as thousands of quick ones
// around it.
#ifndef FANWIRE_BENCH_LOAD_PING_H_
#define FANWIRE_BENCH_LOAD_PING_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "connection.h"
#include "fleet.h"
#include "window.h"

namespace fanwire::bench {

class Ping final : public Connection::Listener {
 public:
  Ping(Loop* loop, const Options& options);
  void Run(Report* report);

 private:
  struct Client {
    uint64_t sent = 0;
    uint64_t received = 0;
    int64_t sent_ns = 0;
    int64_t due_ns = 0;
  };

  void OnPong(Connection& connection, std::string_view payload) override;
  void Send(Connection& connection);
  int64_t PingWhoIsDue(int64_t now_ns);

  const Options& options_;
  Window window_;
  std::vector<Client> clients_;
  Fleet fleet_;
};

}  // namespace fanwire::bench

#endif  // FANWIRE_BENCH_LOAD_PING_H_
