// The half of Session that writes: one gathered write a round, the outbox behind it, the control
// lane between frames.
#include <algorithm>
#include <cstring>
#include <utility>

#include "core/hub.h"
#include "core/session.h"

namespace fanwire {

Session::ControlLane& Session::lane() {
  if (lane_ == nullptr) lane_ = std::make_unique<ControlLane>();
  return *lane_;
}

// Puts pending pings and pongs at the end of `cork`; how many bytes.
size_t Session::PutControl(ByteBuffer& cork) {
  if (lane_ == nullptr) return 0;
  const size_t before = cork.size();
  const auto put = [&](Opcode opcode, const uint8_t* payload, size_t size) {
    cork.Advance(PutFrameHeader(cork.Reserve(kMaxServerHeader), opcode, size));
    cork.Append(payload, size);
  };
  if (std::exchange(lane_->has_pong, false)) put(Opcode::kPong, lane_->pong, lane_->pong_size);
  if (std::exchange(lane_->has_ping, false)) {
    put(Opcode::kPing, nullptr, 0);
    hub_.counters().pings.Add();
  }
  if (!lane_->has_close) lane_.reset();
  return cork.size() - before;
}

void Session::Flush() {
  if (state_ == State::kFinished) return;
  if (lane_ != nullptr && lane_->close_sent) return;  // nothing may follow a close frame
  if (blocked_) {
    ParkFrom(first_segment_, 0);
    return;
  }
  WriteAll(first_segment_);
  if (state_ != State::kFinished && !blocked_) OnAllSent();
}

void Session::WriteAll(int32_t first) {
  FanOut& fan_out = hub_.fan_out();
  if (lane_ == nullptr && first >= 0 &&
      fan_out.segment(first).next < 0) {  // the usual fan-out: in place
    fan_out.cork().Clear();
    WriteGathered(first, 0);
    return;
  }
  ByteBuffer& cork = fan_out.cork();
  cork.Clear();
  size_t control = PutControl(cork);
  int32_t run = first;  // the first segment that is in the cork
  for (int32_t s = first; s >= 0;) {
    const Segment& segment = fan_out.segment(s);
    const bool big = segment.size >= FanOut::kBig;
    if (!cork.empty() && (big || cork.size() + segment.size > FanOut::kMaxWrite)) {
      if (!WriteGathered(run, control)) return;
      cork.Clear();
      control = 0;
      run = s;
    }
    if (big) {
      if (!WriteGathered(s, 0)) return;
      run = segment.next;
    } else {
      cork.Append(segment.data, segment.size);
    }
    s = segment.next;
  }
  if (!cork.empty()) WriteGathered(run, control);
}

// Writes the cork, or, if that is empty, segment `first` in place. False: not all of it went, and
// the rest is parked.
bool Session::WriteGathered(int32_t first, size_t control_bytes) {
  FanOut& fan_out = hub_.fan_out();
  Counters& counters = hub_.counters();
  ByteBuffer& cork = fan_out.cork();
  const uint8_t* data = cork.data();
  size_t size = cork.size();
  if (size == 0) {
    data = fan_out.segment(first).data;
    size = fan_out.segment(first).size;
  }
  counters.writes.Add();
  const ssize_t taken = stream_->TryWrite(data, size);
  if (taken < 0) {
    FinishLost();
    return false;
  }
  counters.bytes_out.Add(uint64_t(taken));
  if (size_t(taken) == size) {
    size_t counted = 0;
    size_t left = size - control_bytes;
    for (int32_t s = first; left > 0; s = fan_out.segment(s).next) {
      const Segment& segment = fan_out.segment(s);
      if (segment.counted) counted += segment.size;
      left -= segment.size;
    }
    if (counted != 0) Sent(counted);
    return true;
  }
  Block();
  size_t skip = size_t(taken);
  if (skip < control_bytes) {  // a control frame was cut: its rest goes first
    if (outbox_ == nullptr) outbox_ = std::make_unique<Outbox>();
    const auto rest = uint32_t(control_bytes - skip);
    record_.AddBuffered(rest);
    counters.outbox_bytes.Add(rest);
    outbox_->Push(SharedBytes::Copy(data + skip, rest), 0, rest, {}, true);
    skip = control_bytes;
  }
  ParkFrom(first, skip - control_bytes);
  return false;
}

void Session::Block() {
  hub_.counters().blocked.Add();
  blocked_ = true;
  blocked_since_ms_ = hub_.now_ms();
  WakeAt(blocked_since_ms_ + endpoint_.options.send_timeout_ms);
  stream_->RequestWritable();
}

// Segment `index` and those after it, but for the first `skip` bytes, which the kernel has.
void Session::ParkFrom(int32_t index, size_t skip) {
  FanOut& fan_out = hub_.fan_out();
  size_t sent = 0;
  while (index >= 0 && state_ != State::kFinished) {
    const Segment& segment = fan_out.segment(index);
    if (skip >= segment.size) {
      if (segment.counted) sent += segment.size;
      skip -= segment.size;
    } else {
      Park(segment, skip);
      skip = 0;
    }
    index = segment.next;
  }
  if (sent != 0 && state_ != State::kFinished) Sent(sent);
}

void Session::Park(const Segment& segment, size_t skip) {
  const auto rest = uint32_t(segment.size - skip);
  Counters& counters = hub_.counters();
  if (skip == 0 && segment.message != nullptr && segment.message->is_volatile) {
    counters.dropped.Add();
    if (segment.counted) Sent(segment.size);
    return;
  }
  // All of it is in the record's sum while it waits; what the kernel has, or is dropped, leaves it.
  if (!segment.counted) record_.AddBuffered(rest);
  if (segment.counted && skip != 0) Sent(skip);
  const SharedBytes bytes =
      segment.owner != nullptr ? *segment.owner : SharedBytes::Copy(segment.data, segment.size);
  const auto base = uint32_t(segment.owner != nullptr ? segment.data - segment.owner->data() : 0);
  PushFrames(bytes, base, base + segment.size, segment.message, base + uint32_t(skip));
}

// Parks [begin, end), the part before `sent_end` being the kernel's already: as one entry where the
// policy never drops single frames, else frame by frame.
void Session::PushFrames(const SharedBytes& bytes, uint32_t begin, uint32_t end,
                         const Message* message, uint32_t sent_end) {
  if (outbox_ == nullptr) outbox_ = std::make_unique<Outbox>();
  const bool whole = endpoint_.options.overflow == OverflowPolicy::kClose;
  uint32_t at = begin;
  while (at < end && state_ != State::kFinished) {
    const uint32_t size = whole ? end - at : uint32_t(FrameSizeAt(bytes.data() + at, end - at));
    const uint32_t from = std::max(at, sent_end);
    at += size;
    if (from >= at) continue;
    const bool started = from > at - size;
    const uint32_t rest = at - from;
    if (!started && !MakeRoom(rest, message)) {
      if (state_ == State::kFinished) return;
      hub_.counters().dropped.Add();
      Sent(rest);
      continue;
    }
    hub_.counters().outbox_bytes.Add(rest);
    outbox_->Push(bytes, from, at, message != nullptr ? message->key : SharedBytes{}, started);
  }
}

// Room in the outbox for one more frame, by the endpoint's policy. False: that frame is dropped, or
// the session has ended.
bool Session::MakeRoom(size_t bytes, const Message* message) {
  const EndpointOptions& options = endpoint_.options;
  const auto fits = [&] { return outbox_->bytes() + bytes <= options.max_buffered_bytes; };
  if (options.overflow == OverflowPolicy::kKeepLatest && message != nullptr && message->key) {
    CountDropped(outbox_->DropKey(message->key));
  }
  if (fits()) return true;
  if (blocked_ && !outbox_->empty()) {  // before the policy strikes: has the kernel room by now?
    DrainOutbox();
    if (state_ == State::kFinished) return false;
    if (outbox_ == nullptr) {
      // For all of it. What comes now waits for the next OnWritable(), in its turn.
      outbox_ = std::make_unique<Outbox>();
      blocked_ = true;
      stream_->RequestWritable();
    }
    if (fits()) return true;
  }
  if (options.overflow == OverflowPolicy::kClose) {
    Terminate(CloseCause::kSlowClient);
    return false;
  }
  if (options.overflow == OverflowPolicy::kDropNewest) return false;
  if (bytes > options.max_buffered_bytes) return false;  // nobody's place would be enough for it
  CountDropped(outbox_->DropOldest(bytes, options.max_buffered_bytes));
  return fits();
}

void Session::CountDropped(const Outbox::Dropped& dropped) {
  if (dropped.entries == 0) return;
  hub_.counters().dropped.Add(dropped.entries);
  hub_.counters().outbox_bytes.Subtract(dropped.bytes);
  Sent(dropped.bytes);
}

// `counted` bytes are no longer waiting; tells JavaScript when that lets it go on.
void Session::Sent(size_t counted) {
  const uint32_t left = record_.SubtractBuffered(uint32_t(counted));
  if (left > endpoint_.options.high_water_mark_bytes / 2) return;
  if (endpoint_.options.told() && record_.TakeDrain())
    hub_.events().Append(id_, EventKind::kDrain, 0, endpoint_.index, 0);
}

void Session::OnWritable() {
  if (state_ == State::kFinished || !blocked_) return;
  DrainOutbox();
  if (state_ != State::kFinished && !blocked_) OnAllSent();
}

// Writes what waits until the kernel is full or nothing is left.
void Session::DrainOutbox() {
  ByteBuffer& cork = hub_.fan_out().cork();
  Counters& counters = hub_.counters();
  while (outbox_ != nullptr && !outbox_->empty()) {
    cork.Clear();
    // A pong goes before the next frame, never into one.
    if (!outbox_->mid_frame() && PutControl(cork) != 0) {
      SharedBytes control = SharedBytes::Copy(cork.data(), cork.size());
      const ssize_t taken = stream_->TryWrite(control.data(), control.size());
      if (taken < 0) return FinishLost();
      counters.bytes_out.Add(uint64_t(taken));
      if (size_t(taken) < control.size()) {
        const auto rest = uint32_t(control.size() - size_t(taken));
        record_.AddBuffered(rest);
        counters.outbox_bytes.Add(rest);
        outbox_->PushFront(std::move(control), uint32_t(taken), uint32_t(taken) + rest);
        return stream_->RequestWritable();
      }
    }
    const std::string_view next = outbox_->Next(cork, FanOut::kMaxWrite, FanOut::kBig);
    counters.writes.Add();
    const ssize_t taken =
        stream_->TryWrite(reinterpret_cast<const uint8_t*>(next.data()), next.size());
    if (taken < 0) return FinishLost();
    const bool all = size_t(taken) == next.size();
    if (taken > 0) {
      counters.bytes_out.Add(uint64_t(taken));
      counters.outbox_bytes.Subtract(uint64_t(taken));
      blocked_since_ms_ = hub_.now_ms();
      outbox_->Consume(size_t(taken));
      Sent(size_t(taken));
    }
    if (!all) return stream_->RequestWritable();
  }
  outbox_.reset();
  blocked_ = false;
}

// Everything before it is with the kernel: now a close frame may go.
void Session::OnAllSent() {
  if (lane_ == nullptr) return;
  if (lane_->close_sent) return OnCloseSent();
  ByteBuffer& cork = hub_.fan_out().cork();
  cork.Clear();
  PutControl(cork);
  const bool close = lane_ != nullptr && lane_->has_close;
  if (close) {
    const std::string& payload = lane_->close_payload;
    cork.Advance(PutFrameHeader(cork.Reserve(kMaxServerHeader), Opcode::kClose, payload.size()));
    cork.Append(payload.data(), payload.size());
    lane_->close_sent = true;  // with the kernel or in the outbox: nothing may follow it
  }
  if (!cork.empty() && WriteGathered(-1, cork.size()) && close) OnCloseSent();
}

void Session::OnCloseSent() {
  if (peer_closed_) return Finish(true);
  if (lane_->shut_after_close) stream_->ShutdownWrite();
}

}  // namespace fanwire
