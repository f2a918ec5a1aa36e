// Watch: members that only receive what the server itself publishes to their room.
// Path:      server's own publishing -> room -> members' connections -> [watch]
// Threading: single-threaded program.
// Lifetime:  one run.
//
// Says "open" on stderr when all members are open; whoever started it then tells the server to
// publish messages 0 … count - 1 of publisher 0 (bench/peers/message.js writes them).
#ifndef FANWIRE_BENCH_LOAD_WATCH_H_
#define FANWIRE_BENCH_LOAD_WATCH_H_

#include <cstdint>
#include <string_view>

#include "connection.h"
#include "message_book.h"
#include "room_order.h"
#include "window.h"

namespace fanwire::bench {

class Watch final : public Connection::Listener {
 public:
  Watch(Loop* loop, const Options& options);
  void Run(Report* report);

 private:
  void OnMessage(Connection& connection, std::string_view payload, bool text) override;

  Loop* const loop_;
  const Options& options_;
  const MessageBook book_;
  Window window_;
  RoomOrder order_;
};

}  // namespace fanwire::bench

#endif  // FANWIRE_BENCH_LOAD_WATCH_H_
