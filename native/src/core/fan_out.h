// FanOut: gathers what a round sends, so that each session's bytes leave in one write.
// Path:      mailbox -> [fan_out] -> session -> cork -> bytes out
// Threading: reactor-owned.
// Lifetime:  segments live until the next Flush(), and point into batches and messages that the
//            reactor keeps for the whole round.
//
// Messages to one room, one after another, form the open batch: they are joined once and each
// member gets one segment. Anything else that could overtake it closes the batch first, so a
// session sees all of a producer's calls in their order.
#ifndef FANWIRE_CORE_FAN_OUT_H_
#define FANWIRE_CORE_FAN_OUT_H_

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "base/byte_buffer.h"
#include "base/shared_bytes.h"
#include "core/message.h"
#include "core/room_members.h"
#include "metrics/counters.h"

namespace fanwire {

class Session;

struct Segment {
  const uint8_t* data;
  uint32_t size;
  int32_t next;              // of the same session; -1: the last
  const SharedBytes* owner;  // whose bytes; null: the batch's, to be copied if they must wait
  const Message* message;    // if it has a key or is volatile
  uint32_t frames;           // counted where a run is cut into stretches; else not looked at
  bool counted;              // the record's buffered bytes have it
};

class FanOut {
 public:
  static constexpr size_t kMaxWrite = 64 * 1024;  // gathered into one write
  static constexpr size_t kBig = 16 * 1024;       // from here on written in place, not gathered

  explicit FanOut(Counters& counters) : counters_(counters) {}
  FanOut(const FanOut&) = delete;
  FanOut& operator=(const FanOut&) = delete;

  // To one session; the poster has counted the bytes.
  void Send(Session& session, const uint8_t* frames, uint32_t size);
  void Send(Session& session, const Message& message);
  // To all members but `except`, which are sessions of this reactor.
  void Deliver(const RoomMembers& members, const Message& message,
               const std::vector<Session*>& except);
  // Before `members` changes.
  void CloseBatchOf(const RoomMembers& members) {
    if (batch_members_ == &members) CloseBatch();
  }
  // The session has something else to write (a pong, a close frame).
  void Touch(Session& session);

  // Every touched session writes: at the end of the round, or between two commands when heavy().
  void Flush();

  // How many receivers the open batch has, and how many messages: whether lingering for more may
  // pay.
  size_t open_receivers() const {
    return batch_members_ != nullptr ? batch_members_->sessions().size() : 0;
  }
  size_t open_messages() const { return batch_.size(); }
  // So much is gathered that the round's end should not be waited for.
  bool heavy() const { return segments_.size() >= kManySegments; }
  bool idle() const { return dirty_.empty() && batch_.empty(); }

  const Segment& segment(int32_t index) const { return segments_[size_t(index)]; }
  ByteBuffer& cork() { return cork_; }

 private:
  static constexpr size_t kManySegments = 128 * 1024;  // 6 MiB
  void CloseBatch();
  void AppendRun(size_t from, size_t to);
  void AppendStretches(Session& session, size_t from, size_t to, const Segment& whole);
  void Append(Session& session, const Segment& segment);

  Counters& counters_;
  const RoomMembers* batch_members_ = nullptr;
  std::vector<const Message*> batch_;
  std::vector<std::pair<Session*, size_t>>
      batch_except_;  // session, index in batch_; sorted once it closes
  std::vector<Segment> segments_;
  std::vector<Session*> dirty_;
  std::deque<SharedBytes> joined_;  // the round's joined messages; stable addresses
  ByteBuffer cork_;
};

}  // namespace fanwire

#endif  // FANWIRE_CORE_FAN_OUT_H_
