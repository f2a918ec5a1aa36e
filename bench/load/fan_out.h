// FanOut: some of a room's members publish to it, all members receive everything.
// Path:      [fan_out] -> publisher's connection -> room -> members' connections -> [fan_out]
// Threading: single-threaded program.
// Lifetime:  one run.
//
// Closed loop: a publisher sends its next message when it has its own copy of the last one back. At
// a rate: it sends when it is time, whatever came back. Publishers are the last members to join: a
// server that sends in order of joining has begun the next fan-out when their next messages come,
// so that only waiting a little makes bursts whole. `spread` seats them evenly instead.
#ifndef FANWIRE_BENCH_LOAD_FAN_OUT_H_
#define FANWIRE_BENCH_LOAD_FAN_OUT_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "connection.h"
#include "fleet.h"
#include "message_book.h"
#include "room_order.h"
#include "window.h"

namespace fanwire::bench {

class FanOut final : public Connection::Listener {
 public:
  FanOut(Loop* loop, const Options& options);
  void Run(Report* report);

 private:
  struct Publisher {
    uint64_t sent = 0;
    uint64_t received = 0;  // own copies
    int64_t due_ns = 0;     // at a rate: when the next one leaves
    std::vector<int64_t> sent_ns;
  };

  void OnMessage(Connection& connection, std::string_view payload, bool text) override;
  Connection& SeatOf(uint32_t publisher);
  void Publish(uint32_t number);
  void AwaitMembers();
  int64_t PublishWhatIsDue(int64_t now_ns);
  bool closed_loop() const { return options_.rate_per_second == 0; }

  Loop* const loop_;
  const Options& options_;
  const MessageBook book_;
  Window window_;
  RoomOrder order_;
  bool looping_ = false;
  std::vector<Publisher> publishers_;
  Fleet fleet_;
};

}  // namespace fanwire::bench

#endif  // FANWIRE_BENCH_LOAD_FAN_OUT_H_
