#include "protocol/message_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace fanwire {
namespace {

constexpr uint16_t kProtocolError = 1002;
constexpr uint16_t kNoStatus = 1005;
constexpr uint16_t kBadData = 1007;
constexpr uint16_t kPolicy = 1008;
constexpr uint16_t kTooBig = 1009;

// Leaves room in 32 bits for a control frame behind the largest message.
constexpr uint32_t kLargestLimit = UINT32_MAX - kMaxControlPayload;
constexpr size_t kSmallestBuffer = 64;

ReadEvent Event(ReadEvent::Kind kind, Opcode opcode, uint8_t* data, size_t size,
                uint16_t code = 0) {
  return ReadEvent{kind, opcode, data, size, code};
}

ReadEvent NeedMore() {
  return Event(ReadEvent::Kind::kNeedMore, Opcode::kContinuation, nullptr, 0);
}

}  // namespace

bool IsValidCloseCode(uint16_t code) {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

MessageReader::MessageReader(uint32_t max_message_bytes)
    : max_(std::min(max_message_bytes, kLargestLimit)) {}

ReadEvent MessageReader::Next(uint8_t** p, uint8_t* end) {
  if (state_ == State::kIdle) [[likely]] {
    if (*p == end) return NeedMore();
    ReadEvent event;
    if (TryWholeFrame(p, end, &event)) [[likely]]
      return event;
  }
  return NextSlow(p, end);
}

// The common case: an unfragmented message that lies whole in the caller's
// bytes. Whatever else begins at *p is left to NextSlow() untouched.
inline bool MessageReader::TryWholeFrame(uint8_t** p, uint8_t* end, ReadEvent* event) {
  uint8_t* const at = *p;
  const size_t available = static_cast<size_t>(end - at);
  if (available < 6) return false;
  if (at[0] != 0x81 && at[0] != 0x82) return false;  // FIN, text or binary
  size_t size = at[1] ^ 0x80u;                       // above 127 if the mask bit is missing
  size_t header_size = 6;
  if (size > 125) {
    if (size != 126 || available < 8) return false;
    size = static_cast<size_t>(at[2]) << 8 | at[3];
    if (size < 126) return false;
    header_size = 8;
  }
  if (size > max_ || size > available - header_size) return false;

  uint8_t* const data = at + header_size;
  uint32_t mask;
  std::memcpy(&mask, data - 4, sizeof mask);
  Unmask(data, size, mask, 0);
  *p = data + size;
  const Opcode opcode = static_cast<Opcode>(at[0] & 0xF);
  if (opcode == Opcode::kText && !IsValidUtf8(data, size)) {
    *event = Fail(kBadData);
  } else {
    *event = Event(ReadEvent::Kind::kMessage, opcode, data, size);
  }
  return true;
}

ReadEvent MessageReader::NextSlow(uint8_t** p, uint8_t* end) {
  if (spent_) Release();
  for (;;) {
    if (state_ == State::kFailed) return Fail(error_);
    if (state_ == State::kClosed) {
      *p = end;
      return NeedMore();
    }
    if (state_ != State::kPayload) {
      FrameHeader header;
      const FrameHeaderStatus status = ReadHeader(p, end, &header);
      if (status == FrameHeaderStatus::kNeedMore) return NeedMore();
      const uint16_t error =
          status == FrameHeaderStatus::kBad ? kProtocolError : StartFrame(header);
      if (error != 0) return Fail(error);
    }
    ReadEvent event;
    if (ReadPayload(p, end, &event)) return event;
    if (state_ == State::kPayload) return NeedMore();
  }
}

FrameHeaderStatus MessageReader::ReadHeader(uint8_t** p, uint8_t* end, FrameHeader* header) {
  const size_t available = static_cast<size_t>(end - *p);
  if (header_size_ == 0) {
    const FrameHeaderStatus status = ParseFrameHeader(*p, available, header);
    if (status == FrameHeaderStatus::kDone) *p += header->size;
    if (status != FrameHeaderStatus::kNeedMore || available == 0) return status;
    state_ = State::kHeader;
  }
  while (*p < end) {
    header_[header_size_++] = *(*p)++;
    const FrameHeaderStatus status = ParseFrameHeader(header_, header_size_, header);
    if (status == FrameHeaderStatus::kNeedMore) continue;
    header_size_ = 0;
    return status;
  }
  return FrameHeaderStatus::kNeedMore;
}

// Judges the header against the message under way; 0 or the code to close with.
uint16_t MessageReader::StartFrame(const FrameHeader& header) {
  if (!header.masked) return kProtocolError;
  if (header.rsv != 0) return kProtocolError;  // no extension is negotiated
  if (!IsControl(header.opcode)) {
    const bool continues = header.opcode == Opcode::kContinuation;
    if (continues != mid_message()) return kProtocolError;
    if (header.payload_size > max_ - size_) return kTooBig;
    if (!continues) {
      message_ = header.opcode;
      fragments_ = 0;
      utf8_.Reset();
    }
    if (++fragments_ > kMaxFragments) return kPolicy;
  }
  frame_ = header.opcode;
  fin_ = header.fin;
  mask_ = header.mask;
  left_ = static_cast<uint32_t>(header.payload_size);
  control_size_ = 0;
  state_ = State::kPayload;
  return 0;
}

// Takes what is here of the frame's payload; true if that makes an event.
bool MessageReader::ReadPayload(uint8_t** p, uint8_t* end, ReadEvent* event) {
  uint8_t* const data = *p;
  const size_t size = std::min<size_t>(left_, static_cast<size_t>(end - data));
  Unmask(data, size, mask_, 0);
  mask_ = TurnMask(mask_, size);
  left_ -= static_cast<uint32_t>(size);
  *p += size;
  return IsControl(frame_) ? ReadControl(data, size, event) : ReadData(data, size, event);
}

bool MessageReader::ReadData(uint8_t* data, size_t size, ReadEvent* event) {
  const bool ends = fin_ && left_ == 0;
  const bool told = ends && !skipping_;
  if (!skipping_) {
    if (message_ == Opcode::kText && !TakeText(data, size, ends)) {
      *event = Fail(kBadData);
      return true;
    }
    if (!ends || size_ != 0) {  // else it all lies at `data`: no copy
      if (!Store(data, size)) {
        *event = Fail(kTooBig);
        return true;
      }
      size_ += static_cast<uint32_t>(size);
      data = buffer_.get();
      size = size_;
    }
    if (told) *event = Event(ReadEvent::Kind::kMessage, message_, data, size);
  }
  if (ends) {
    message_ = Opcode::kContinuation;
    skipping_ = false;
  }
  if (left_ == 0) EndFrame();
  return told;
}

bool MessageReader::TakeText(const uint8_t* data, size_t size, bool ends) {
  return utf8_.Append(data, size) && (!ends || utf8_.complete());
}

bool MessageReader::ReadControl(uint8_t* data, size_t size, ReadEvent* event) {
  if (left_ != 0 || control_size_ != 0) {
    if (!Store(data, size)) {
      *event = Fail(kTooBig);
      return true;
    }
    control_size_ += static_cast<uint8_t>(size);
    if (left_ != 0) return false;
    data = buffer_.get() + size_;
    size = control_size_;
  }
  if (frame_ == Opcode::kClose) {
    *event = CloseEvent(data, size);
    return true;
  }
  *event = Event(frame_ == Opcode::kPing ? ReadEvent::Kind::kPing : ReadEvent::Kind::kPong, frame_,
                 data, size);
  EndFrame();
  return true;
}

ReadEvent MessageReader::CloseEvent(uint8_t* data, size_t size) {
  uint16_t code = kNoStatus;
  if (size != 0) {
    code = static_cast<uint16_t>(data[0] << 8 | data[1]);
    data += 2;
    size -= 2;
    if (!IsValidCloseCode(code)) return Fail(kProtocolError);
    if (!IsValidUtf8(data, size)) return Fail(kBadData);
  }
  message_ = Opcode::kContinuation;
  EndFrame();
  state_ = State::kClosed;
  return Event(ReadEvent::Kind::kClose, Opcode::kClose, data, size, code);
}

ReadEvent MessageReader::Fail(uint16_t code) {
  Release();
  message_ = Opcode::kContinuation;
  state_ = State::kFailed;
  error_ = code;
  return Event(ReadEvent::Kind::kError, Opcode::kContinuation, nullptr, 0, code);
}

// After a message nothing is held, but what the event just told points into.
void MessageReader::EndFrame() {
  state_ = State::kHeader;
  if (mid_message()) return;
  size_ = 0;
  spent_ = buffer_ != nullptr;
  if (!spent_) state_ = State::kIdle;
}

// Puts bytes behind those that are held; false if there is no memory.
bool MessageReader::Store(const uint8_t* data, size_t size) {
  if (size == 0) return true;
  const size_t used = size_t{size_} + control_size_;
  if (!Reserve(used + size)) return false;
  std::memcpy(buffer_.get() + used, data, size);
  return true;
}

bool MessageReader::Reserve(size_t needed) {
  if (needed <= capacity_) return true;
  // No more than the message can still become. Behind a message control bytes
  // grow it as data would, or pings in pieces would copy it again and again.
  size_t limit = fin_ ? needed + left_ : max_;
  if (IsControl(frame_) && size_ != 0) limit = UINT32_MAX;
  const size_t half_more = size_t{capacity_} + capacity_ / 2;
  const size_t grown = std::min(std::max(half_more, kSmallestBuffer), limit);
  const size_t capacity = std::max(needed, grown);
  void* const moved = std::realloc(buffer_.get(), capacity);
  if (moved == nullptr) return false;
  static_cast<void>(buffer_.release());
  buffer_.reset(static_cast<uint8_t*>(moved));
  capacity_ = static_cast<uint32_t>(capacity);
  return true;
}

void MessageReader::Release() {
  buffer_.reset();
  capacity_ = 0;
  size_ = 0;
  if (spent_) {
    spent_ = false;
    if (state_ == State::kHeader) state_ = State::kIdle;
  }
}

void MessageReader::Discard() {
  skipping_ = mid_message();
  const bool in_control = state_ == State::kPayload && IsControl(frame_);
  if (!in_control || control_size_ == 0) {
    Release();
    return;
  }
  // The control frame under way is kept, in a block of its own.
  uint8_t kept[kMaxControlPayload];
  std::memcpy(kept, buffer_.get() + size_, control_size_);
  const uint8_t kept_size = std::exchange(control_size_, uint8_t{0});
  Release();
  if (Store(kept, kept_size)) {
    control_size_ = kept_size;
  } else {
    static_cast<void>(Fail(kTooBig));
  }
}

}  // namespace fanwire
