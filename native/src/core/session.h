// Session: one client's side of the conversation on its reactor: what came in, what goes out, and
// when to give up.
// Path:      connection -> [session] -> room or handler; fan-out -> [session] -> connection
// Threading: reactor-owned. What other threads may know of it is in its SessionRecord.
// Lifetime:  owned by the Hub from its handshake's verdict until its close event; outlives its
//            stream while JavaScript has not taken all of its messages yet. It goes at the end of a
//            round.
#ifndef FANWIRE_CORE_SESSION_H_
#define FANWIRE_CORE_SESSION_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/timing_wheel.h"
#include "core/channel_directory.h"
#include "core/fan_out.h"
#include "core/outbox.h"
#include "core/router.h"
#include "core/session_table.h"
#include "core/stream.h"
#include "fanwire/close_code.h"
#include "protocol/message_reader.h"

namespace fanwire {

class Hub;

class Session final : private TimerOwner {
 public:
  Session(Hub& hub, Stream& stream, SessionId id, SessionRecord& record, const Endpoint& endpoint);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  // Joins what the endpoint publishes to and tells JavaScript.
  void Open(const PathParams& params, uint32_t adoption_token);

  // The loop's calls.
  void OnBytes(uint8_t* data, size_t size);
  void OnWritable();
  void OnStreamClosed(int error_number);  // the stream is gone; 0: an orderly end

  // Commands.
  void Resume();
  void Close(uint16_t code, std::string_view reason, CloseCause cause);
  void Terminate(CloseCause cause);
  void OnJoined(const ChannelRef& channel);
  void OnLeft(const Channel& channel);

  // FanOut's: writes the round's segments, or parks them.
  void Flush();

  SessionId id() const { return id_; }
  const Endpoint& endpoint() const { return endpoint_; }
  size_t incomplete_bytes() const { return reader_.buffered_bytes(); }
  const PeerAddress& peer() const { return record_.peer; }
  bool open() const { return state_ == State::kOpen; }

 private:
  friend class FanOut;
  enum class State : uint8_t { kOpen, kClosing, kFinished };

  // A message that waits for JavaScript's credit, or for room in a mailbox.
  struct Waiting {
    SharedBytes payload;
    Opcode opcode;
    bool publish, deliver;
  };
  struct Inbound {
    std::deque<Waiting> queue;
    size_t bytes = 0;
    std::string unread;  // came after reading was paused
    bool paused = false;
  };
  // What goes between data frames and is never dropped.
  struct ControlLane {
    bool has_pong = false, has_ping = false, has_close = false, close_sent = false,
         shut_after_close = false;
    uint8_t pong_size = 0;
    uint8_t pong[kMaxControlPayload];
    std::string close_payload;
    int64_t close_due_ms = 0;
  };
  struct Membership {
    ChannelRef channel;
    uint32_t index;
  };

  // In.
  void ReadFrames(uint8_t* data, size_t size);
  bool OnEvent(const ReadEvent& event);
  void OnMessage(const ReadEvent& event);
  bool Publish(Opcode opcode, const uint8_t* data, size_t size);
  void DeliverUp(Opcode opcode, const uint8_t* data, size_t size);
  void Enqueue(Opcode opcode, const uint8_t* data, size_t size, bool publish, bool deliver);
  void DrainInbound();
  void PauseReading();
  void DropWaiting();
  void OnPeerClose(const ReadEvent& event);
  void Fail(uint16_t code, CloseCause cause, std::string_view why);
  void TrackIncomplete();
  void DropIncomplete();

  // Out.
  ControlLane& lane();
  size_t PutControl(ByteBuffer& cork);
  void WriteAll(int32_t first);
  bool WriteGathered(int32_t first, size_t control_bytes);
  void ParkFrom(int32_t index, size_t skip);
  void Park(const Segment& segment, size_t skip);
  void PushFrames(const SharedBytes& bytes, uint32_t begin, uint32_t end, const Message* message,
                  uint32_t started_end);
  bool MakeRoom(size_t bytes, const Message* message);
  void CountDropped(const Outbox::Dropped& dropped);
  void DrainOutbox();
  void Block();
  void Sent(size_t counted_bytes);
  void OnAllSent();
  void OnCloseSent();
  void SendClose();

  // Life.
  void SetEnd(uint16_t code, std::string_view reason, CloseCause cause);
  void Finish(bool was_clean);  // as SetEnd() said
  void FinishLost() {
    if (state_ == State::kOpen)
      SetEnd(kCloseAbnormal, "", CloseCause::kTransportLost);  // else what was said stands
    Finish(false);
  }
  void LeaveRooms();
  void TellClose();
  void WakeAt(int64_t due_ms);
  void OnTimer() override;
  void NoteAlive();
  int64_t CheckAlive(int64_t now_ms);

  // What a fan-out touches comes first: one cache line.
  Hub& hub_;
  Stream* stream_;  // null once it has closed
  std::unique_ptr<ControlLane> lane_;
  int32_t first_segment_ = -1, last_segment_ = -1;  // FanOut's, for one round
  State state_ = State::kOpen;
  bool touched_ = false;     // FanOut's
  bool excepted_ = false;    // FanOut's
  bool blocked_ = false;     // the kernel is full: OnWritable() will follow
  bool discarding_ = false;  // after a protocol error: what comes is not read any more
  bool peer_closed_ = false, was_clean_ = false, told_close_ = false;
  SessionRecord& record_;
  const Endpoint& endpoint_;
  const SessionId id_;
  CloseCause close_cause_ = CloseCause::kTransportLost;
  uint16_t close_code_ = kCloseAbnormal;
  uint32_t tracked_incomplete_ = 0;  // bytes that the hub has counted
  MessageReader reader_;
  std::unique_ptr<Inbound> inbound_;
  std::unique_ptr<Outbox> outbox_;
  std::vector<Membership> memberships_;
  ChannelRef publish_channel_;
  std::unique_ptr<std::string> close_reason_;  // usually none
  int64_t last_received_ms_, ping_sent_ms_ = 0, message_since_ms_ = 0, blocked_since_ms_ = 0;
  Timer timer_;
};

}  // namespace fanwire

#endif  // FANWIRE_CORE_SESSION_H_
