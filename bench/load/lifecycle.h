// Lifecycle: what connections cost as such: opening them, keeping them, opening and closing them.
// Path:      [lifecycle] -> connections -> server's accept, upgrade and close
// Threading: single-threaded program.
// Lifetime:  one run.
#ifndef FANWIRE_BENCH_LOAD_LIFECYCLE_H_
#define FANWIRE_BENCH_LOAD_LIFECYCLE_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "connection.h"
#include "fleet.h"
#include "message_book.h"
#include "window.h"

namespace fanwire::bench {

class Lifecycle final : public Connection::Listener {
 public:
  Lifecycle(Loop* loop, const Options& options);

  // Opens `clients` connections, lets them be, reads the server's memory before and after.
  void RunIdle(Report* report);
  // Opens `count` connections and keeps them: CPU per connection opened.
  void RunHandshake(Report* report);
  // Connect, one echo, Close handshake, `concurrency` at a time: CPU per connection from end to
  // end.
  void RunChurn(Report* report);

 private:
  void OnOpen(Connection& connection) override;
  void OnMessage(Connection& connection, std::string_view payload, bool text) override;
  void OnClosed(Connection& connection) override;

  void StartChurning();
  // Stops it, and returns when the last connection is closed.
  void StopChurning();
  // Churns until `count` connections have come and gone, so that a just-in-time compiler has seen
  // it all.
  void WarmUp(uint64_t count);

  Loop* const loop_;
  const Options& options_;
  const MessageBook book_;
  Window window_;
  bool churning_ = false;  // a closed connection is opened again
  bool keeping_ = false;   // an open connection stays silent
  uint64_t closed_ = 0;
  std::vector<uint64_t> echoes_;  // by connection
  Fleet fleet_;
};

}  // namespace fanwire::bench

#endif  // FANWIRE_BENCH_LOAD_LIFECYCLE_H_
