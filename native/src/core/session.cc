#include "core/session.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/hub.h"

namespace fanwire {
namespace {

// Beyond either, reading pauses: what is told to JavaScript waits here, bounded.
constexpr size_t kMaxInboundBytes = kCreditBytes;
constexpr size_t kMaxInboundMessages = 256;

}  // namespace

Session::Session(Hub& hub, Stream& stream, SessionId id, SessionRecord& record,
                 const Endpoint& endpoint)
    : hub_(hub),
      stream_(&stream),
      record_(record),
      endpoint_(endpoint),
      id_(id),
      reader_(endpoint.options.max_message_bytes),
      last_received_ms_(hub.now_ms()),
      timer_(this) {}

Session::~Session() {
  DropWaiting();
  if (tracked_incomplete_ != 0) hub_.AddIncomplete(-int64_t(tracked_incomplete_));
}

void Session::Open(const PathParams& params, uint32_t adoption_token) {
  const EndpointOptions& options = endpoint_.options;
  record_.Advance(id_.generation, SessionState::kOpen);
  if (!options.publish_to.empty()) {
    hub_.directory().Join(id_, ChannelKind::kRoom, endpoint_.room.Expand(params), &hub_.posted(),
                          &publish_channel_);
  }
  // An adopted connection's token tells the application which of its requests this is.
  if (options.open || (adoption_token != 0 && options.told())) {
    record_.Charge(kCreditMessages, 0);  // none until `open` has settled
    uint8_t* token =
        hub_.events().Append(id_, EventKind::kOpen, 0, endpoint_.index, sizeof adoption_token);
    memcpy(token, &adoption_token, sizeof adoption_token);
  }
  if (options.ping_interval_ms != 0) WakeAt(hub_.now_ms() + options.ping_interval_ms);
}

// ---- bytes in ----

void Session::OnBytes(uint8_t* data, size_t size) {
  if (state_ == State::kFinished || discarding_) return;
  NoteAlive();
  if (inbound_ != nullptr && inbound_->paused) {
    inbound_->unread.append(reinterpret_cast<char*>(data), size);
    return;
  }
  ReadFrames(data, size);
  TrackIncomplete();
}

void Session::ReadFrames(uint8_t* data, size_t size) {
  uint8_t* const end = data + size;
  while (state_ != State::kFinished && !discarding_) {
    if (!OnEvent(reader_.Next(&data, end))) return;
    if (inbound_ == nullptr || !inbound_->paused || stream_ == nullptr) continue;
    inbound_->unread.assign(reinterpret_cast<char*>(data), size_t(end - data));
    uint8_t* nothing = end;
    (void)reader_.Next(&nothing, end);  // it lets go of the message that we have just taken
    return;
  }
}

// False: nothing more can be read from these bytes.
bool Session::OnEvent(const ReadEvent& event) {
  switch (event.kind) {
    case ReadEvent::Kind::kNeedMore:
      return false;
    case ReadEvent::Kind::kMessage:
      message_since_ms_ = 0;
      OnMessage(event);
      return true;
    case ReadEvent::Kind::kPing:
      if (state_ != State::kOpen) return true;
      lane().has_pong = true;  // one pending pong, with the latest payload: a flood costs no memory
      lane().pong_size = uint8_t(event.size);
      if (event.size != 0) memcpy(lane().pong, event.data, event.size);
      hub_.fan_out().Touch(*this);
      return true;
    case ReadEvent::Kind::kPong:
      return true;  // any byte shows life, OnBytes() has noted it
    case ReadEvent::Kind::kClose:
      OnPeerClose(event);
      return false;
    case ReadEvent::Kind::kError:
      break;
  }
  switch (event.code) {
    case kCloseInvalidPayload:
      Fail(event.code, CloseCause::kInvalidUtf8, "invalid UTF-8 in a text message");
      return false;
    case kCloseMessageTooBig:
      Fail(event.code, CloseCause::kMessageTooBig, "the message is over maxMessageBytes");
      return false;
    case kClosePolicyViolation:
      Fail(event.code, CloseCause::kMessageTooBig, "the message has too many fragments");
      return false;
    default:
      Fail(event.code, CloseCause::kProtocolError, "invalid WebSocket frame");
      return false;
  }
}

void Session::OnMessage(const ReadEvent& event) {
  hub_.counters().messages_in.Add();
  if (state_ != State::kOpen) return;  // we have said goodbye
  const bool deliver = endpoint_.options.deliver;
  if (inbound_ != nullptr && !inbound_->queue.empty()) {
    Enqueue(event.opcode, event.data, event.size, publish_channel_ != nullptr, deliver);
    return;
  }
  if (publish_channel_ != nullptr && !Publish(event.opcode, event.data, event.size)) {
    Enqueue(event.opcode, event.data, event.size, true, deliver);
    PauseReading();  // a full mailbox: not this client's next bytes, too
    hub_.RetryPublish(*this);
    return;
  }
  if (!deliver) return;
  if (record_.HasCredit() || !record_.StallUnlessCredit()) {
    DeliverUp(event.opcode, event.data, event.size);
  } else {
    Enqueue(event.opcode, event.data, event.size, false, true);
  }
}

bool Session::Publish(Opcode opcode, const uint8_t* data, size_t size) {
  static const std::vector<SessionId> nobody;
  const Message message = Message::Frame(opcode, data, size);
  const SendResult result =
      endpoint_.options.except_sender
          ? hub_.directory().Publish(*publish_channel_, message, {id_}, &hub_.posted())
          : hub_.directory().Publish(*publish_channel_, message, nobody, &hub_.posted());
  return result != SendResult::kRefused;
}

void Session::DeliverUp(Opcode opcode, const uint8_t* data, size_t size) {
  record_.Charge(1, uint32_t(size));
  uint8_t* to = hub_.events().Append(id_, EventKind::kMessage, uint8_t(opcode), endpoint_.index,
                                     uint32_t(size));
  if (size != 0) memcpy(to, data, size);
}

void Session::Enqueue(Opcode opcode, const uint8_t* data, size_t size, bool publish, bool deliver) {
  if (inbound_ == nullptr) inbound_ = std::make_unique<Inbound>();
  inbound_->queue.push_back({SharedBytes::Copy(data, size), opcode, publish, deliver});
  inbound_->bytes += size;
  hub_.AddWaiting(int64_t(size));
  if (inbound_->bytes >= kMaxInboundBytes || inbound_->queue.size() >= kMaxInboundMessages)
    PauseReading();
}

void Session::PauseReading() {
  if (inbound_->paused) return;
  inbound_->paused = true;
  if (stream_ != nullptr) stream_->SetReading(false);
}

void Session::DropWaiting() {
  if (inbound_ == nullptr) return;
  hub_.AddWaiting(-int64_t(inbound_->bytes));
  inbound_->queue.clear();
  inbound_->bytes = 0;
}

// Hands on what waits, as far as credit and mailboxes allow.
void Session::DrainInbound() {
  while (!inbound_->queue.empty()) {
    Waiting& first = inbound_->queue.front();
    if (first.publish) {
      if (!Publish(first.opcode, first.payload.data(), first.payload.size())) {
        hub_.RetryPublish(*this);
        return;
      }
      first.publish = false;
    }
    if (first.deliver) {
      if (!record_.HasCredit() && record_.StallUnlessCredit()) return;
      DeliverUp(first.opcode, first.payload.data(), first.payload.size());
    }
    inbound_->bytes -= first.payload.size();
    hub_.AddWaiting(-int64_t(first.payload.size()));
    inbound_->queue.pop_front();
  }
}

void Session::Resume() {
  if (inbound_ == nullptr) return;
  DrainInbound();
  if (state_ == State::kFinished) {
    if (inbound_->queue.empty()) TellClose();
    return;
  }
  // What had come before the pause may pause again.
  while (inbound_->paused && inbound_->bytes <= kMaxInboundBytes / 2 &&
         inbound_->queue.size() <= kMaxInboundMessages / 2) {
    inbound_->paused = false;
    std::string unread = std::move(inbound_->unread);
    inbound_->unread.clear();
    ReadFrames(reinterpret_cast<uint8_t*>(unread.data()), unread.size());
    if (state_ == State::kFinished) return;
    if (inbound_->paused) continue;
    NoteAlive();  // the pause was ours
    if (stream_ != nullptr) stream_->SetReading(true);
  }
  TrackIncomplete();
  if (!inbound_->paused && inbound_->queue.empty()) inbound_.reset();
}

void Session::TrackIncomplete() {
  const size_t held = reader_.buffered_bytes();
  if (held != tracked_incomplete_) {
    const auto change = int64_t(held) - int64_t(tracked_incomplete_);
    tracked_incomplete_ = uint32_t(held);
    hub_.AddIncomplete(change);
    if (state_ == State::kFinished) return;  // it held too much
  }
  if (!reader_.mid_message()) {
    message_since_ms_ = 0;
  } else if (message_since_ms_ == 0) {
    message_since_ms_ = hub_.now_ms();
    WakeAt(message_since_ms_ + hub_.options().message_timeout_ms);
  }
}

void Session::DropIncomplete() {
  reader_.Discard();
  const int64_t held = std::exchange(tracked_incomplete_, 0);
  if (held != 0) hub_.AddIncomplete(-held);
}

void Session::OnPeerClose(const ReadEvent& event) {
  peer_closed_ = true;
  if (state_ == State::kClosing) {
    if (lane_ != nullptr && lane_->close_sent) Finish(true);
    return;
  }
  SetEnd(event.code, {reinterpret_cast<const char*>(event.data), event.size}, CloseCause::kPeer);
  if (event.code != kCloseNoStatus) {
    lane().close_payload.assign({char(event.code >> 8), char(event.code)});
  }
  SendClose();
}

void Session::Fail(uint16_t code, CloseCause cause, std::string_view why) {
  if (endpoint_.options.told()) {
    hub_.events().Append(id_, EventKind::kError, 0, endpoint_.index,
                         "ERR_FANWIRE_PROTOCOL " + std::string(why));
  }
  discarding_ = true;
  DropIncomplete();
  if (state_ == State::kClosing) return Finish(false);
  SetEnd(code, why, cause);
  lane().close_payload.assign({char(code >> 8), char(code)});
  lane().close_payload += why;
  lane().shut_after_close = true;
  SendClose();
}

// ---- closing ----

void Session::Close(uint16_t code, std::string_view reason, CloseCause cause) {
  if (state_ == State::kFinished) {  // nobody is interested in what still waits
    DropWaiting();
    return TellClose();
  }
  if (state_ != State::kOpen) return;
  SetEnd(code, reason, cause);
  lane().close_payload.assign({char(code >> 8), char(code)});
  lane().close_payload += reason;
  DropWaiting();  // the application wants no more
  SendClose();
}

void Session::SendClose() {
  state_ = State::kClosing;
  record_.Advance(id_.generation, SessionState::kClosing);
  lane().has_close = true;
  lane().has_pong = lane().has_ping = false;
  lane().close_due_ms = hub_.now_ms() + endpoint_.options.close_timeout_ms;
  WakeAt(lane().close_due_ms);
  hub_.fan_out().Touch(*this);
  // Not paused any more: the peer's close frame is what we wait for.
  if (inbound_ != nullptr && inbound_->paused && inbound_->queue.empty()) Resume();
}

void Session::Terminate(CloseCause cause) {
  if (state_ == State::kFinished) {
    DropWaiting();
    return TellClose();
  }
  DropWaiting();
  if (state_ == State::kClosing) return Finish(false);
  const bool slow = cause == CloseCause::kSlowClient || cause == CloseCause::kSendTimeout;
  SetEnd(slow ? kCloseTryAgainLater : kCloseAbnormal, "", cause);
  Finish(false);
}

void Session::OnStreamClosed(int error_number) {
  stream_ = nullptr;
  if (state_ == State::kFinished) return;
  if (inbound_ != nullptr &&
      inbound_->paused) {  // what the last read had brought beyond the pause waits with the rest
    std::string unread = std::move(inbound_->unread);
    inbound_->unread.clear();
    ReadFrames(reinterpret_cast<uint8_t*>(unread.data()), unread.size());
    if (state_ == State::kFinished) return;
  }
  if (error_number != 0 && state_ == State::kOpen && endpoint_.options.told()) {
    const Status status = Status::FromErrno("read", error_number, "");
    hub_.events().Append(id_, EventKind::kError, 0, endpoint_.index,
                         status.code() + " " + status.message());
  }
  if (state_ == State::kOpen) return FinishLost();
  Finish(peer_closed_ && lane_ != nullptr && lane_->close_sent);
}

void Session::SetEnd(uint16_t code, std::string_view reason, CloseCause cause) {
  close_code_ = code;
  close_cause_ = cause;
  close_reason_ = reason.empty() ? nullptr : std::make_unique<std::string>(reason);
}

void Session::Finish(bool was_clean) {
  if (state_ == State::kFinished) return;
  state_ = State::kFinished;
  was_clean_ = was_clean;
  record_.Advance(id_.generation, SessionState::kClosed);
  hub_.timers().Clear(timer_);
  LeaveRooms();
  if (outbox_ != nullptr) hub_.counters().outbox_bytes.Subtract(outbox_->bytes());
  outbox_.reset();
  DropIncomplete();
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->Close();
  if (inbound_ == nullptr || inbound_->queue.empty())
    TellClose();  // else after the last message that waits
}

void Session::TellClose() {
  if (std::exchange(told_close_, true)) return;
  if (endpoint_.options.told()) {
    hub_.NoteEnded(id_);
    const std::string_view reason =
        close_reason_ != nullptr ? std::string_view(*close_reason_) : "";
    uint8_t* to = hub_.events().Append(id_, EventKind::kClose, 0, endpoint_.index,
                                       uint32_t(4 + reason.size()));
    memcpy(to, &close_code_, 2);
    to[2] = uint8_t(close_cause_);
    to[3] = was_clean_ ? 1 : 0;
    if (!reason.empty()) memcpy(to + 4, reason.data(), reason.size());
  } else {
    hub_.table().Free(id_);  // nobody has to acknowledge it
  }
  hub_.Bury(*this);
}

// ---- rooms ----

void Session::OnJoined(const ChannelRef& channel) {
  if (state_ == State::kFinished) return;
  RoomMembers& members = channel->local(id_.reactor());
  hub_.fan_out().CloseBatchOf(members);
  memberships_.push_back({channel, members.Add(this)});
}

void Session::OnLeft(const Channel& channel) {
  auto found = std::find_if(memberships_.begin(), memberships_.end(),
                            [&](const Membership& m) { return m.channel.get() == &channel; });
  if (found == memberships_.end()) return;
  RoomMembers& members = found->channel->local(id_.reactor());
  hub_.fan_out().CloseBatchOf(members);
  const uint32_t index = found->index;
  if (Session* moved = members.Remove(index)) {
    for (Membership& m : moved->memberships_) {
      if (m.channel.get() == &channel) m.index = index;
    }
  }
  *found = std::move(memberships_.back());
  memberships_.pop_back();
}

void Session::LeaveRooms() {
  hub_.directory().LeaveAll(id_);
  while (!memberships_.empty()) {
    const ChannelRef channel = memberships_.back().channel;
    OnLeft(*channel);
  }
}

// ---- time ----

void Session::WakeAt(int64_t due_ms) {
  if (!timer_.armed() || due_ms < timer_.due_ms()) hub_.timers().Set(timer_, due_ms);
}

void Session::OnTimer() {
  const int64_t now = hub_.now_ms();
  const EndpointOptions& options = endpoint_.options;
  if (state_ == State::kClosing) {
    if (now >= lane_->close_due_ms) return Finish(false);
    return WakeAt(lane_->close_due_ms);
  }
  if (blocked_ && now >= blocked_since_ms_ + options.send_timeout_ms)
    return Terminate(CloseCause::kSendTimeout);
  if (blocked_) WakeAt(blocked_since_ms_ + options.send_timeout_ms);
  if (message_since_ms_ != 0) {
    const int64_t due = message_since_ms_ + hub_.options().message_timeout_ms;
    if (now >= due) {
      return Fail(kClosePolicyViolation, CloseCause::kMessageTimeout,
                  "the message was not completed in time");
    }
    WakeAt(due);
  }
  if (options.ping_interval_ms == 0) return;
  if (const int64_t due = CheckAlive(now); due != 0) WakeAt(due);
}

// The peer lives, or cannot be blamed: its deadlines begin anew.
void Session::NoteAlive() {
  last_received_ms_ = hub_.now_ms();
  if (std::exchange(ping_sent_ms_, 0) != 0)
    WakeAt(last_received_ms_ + endpoint_.options.ping_interval_ms);
}

// When to look again; 0: the session has ended.
int64_t Session::CheckAlive(int64_t now_ms) {
  const EndpointOptions& options = endpoint_.options;
  if (inbound_ != nullptr &&
      inbound_->paused) {  // a slow application never makes a healthy client look dead
    last_received_ms_ = now_ms;
    ping_sent_ms_ = 0;
  }
  if (ping_sent_ms_ != 0) {
    if (now_ms < ping_sent_ms_ + options.pong_timeout_ms)
      return ping_sent_ms_ + options.pong_timeout_ms;
    Terminate(CloseCause::kPongTimeout);
    return 0;
  }
  const int64_t due = last_received_ms_ + options.ping_interval_ms;
  if (now_ms < due) return due;
  if (blocked_) return now_ms + options.ping_interval_ms;  // the send deadline watches over it
  lane().has_ping = true;
  hub_.fan_out().Touch(*this);
  ping_sent_ms_ = now_ms;
  return now_ms + options.pong_timeout_ms;
}

}  // namespace fanwire
