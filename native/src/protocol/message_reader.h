// MessageReader: a client's bytes become messages and control frames.
// Path:      connection -> [message_reader] -> session -> router
// Threading: reactor-owned, like the connection it belongs to.
// Lifetime:  holds heap only while a message or control frame is incomplete.
#ifndef FANWIRE_PROTOCOL_MESSAGE_READER_H_
#define FANWIRE_PROTOCOL_MESSAGE_READER_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "protocol/utf8.h"
#include "protocol/ws_frame.h"

namespace fanwire {

struct ReadEvent {
  enum class Kind : uint8_t {
    kNeedMore,
    kMessage,
    kPing,
    kPong,
    kClose,
    kError,
  } kind;
  Opcode opcode;  // kMessage: kText or kBinary
  uint8_t* data;  // kMessage, kPing, kPong: the payload; kClose: the reason
  size_t size;
  uint16_t code;  // kClose: the peer's code, 1005 if none;
                  // kError: what to close with: 1002, 1007, 1008 or 1009
};

// Whether a peer may send this code in a close frame.
bool IsValidCloseCode(uint16_t code);

// Unmasks in place, joins fragments, holds RFC 6455's rules and our limits.
// Memory follows the bytes that have really come, never the declared length.
class MessageReader {
 public:
  static constexpr uint32_t kMaxFragments = 65536;

  // A message above `max_message_bytes` is an error (1009), known from the
  // header of the frame that goes beyond it.
  explicit MessageReader(uint32_t max_message_bytes);
  MessageReader(MessageReader&&) = default;
  MessageReader& operator=(MessageReader&&) = default;

  // Takes bytes from [*p, end), which it may overwrite, and returns at the
  // first whole thing with *p behind it; kNeedMore means *p == end. The event's
  // data lives until the next call and may lie in the caller's bytes. Call it
  // until kNeedMore: that call also frees what the last event held.
  // After kError every call answers the same error; after kClose every call
  // swallows its bytes, as nothing may follow a close.
  ReadEvent Next(uint8_t** p, uint8_t* end);

  // True from a message's first frame header to its last byte.
  bool mid_message() const { return message_ != Opcode::kContinuation; }

  // Heap held, in bytes.
  size_t buffered_bytes() const { return capacity_; }

  // Frees it. A message under way is lost: its rest is read but not told.
  // Control frames and later messages are told as ever.
  void Discard();

 private:
  enum class State : uint8_t {
    kIdle,     // between messages, nothing held: the fast path
    kHeader,   // a frame header is expected or partly here
    kPayload,  // inside a frame
    kClosed,
    kFailed,
  };
  struct Free {
    void operator()(uint8_t* p) const { std::free(p); }
  };

  bool TryWholeFrame(uint8_t** p, uint8_t* end, ReadEvent* event);
  ReadEvent NextSlow(uint8_t** p, uint8_t* end);
  FrameHeaderStatus ReadHeader(uint8_t** p, uint8_t* end, FrameHeader* header);
  uint16_t StartFrame(const FrameHeader& header);
  bool ReadPayload(uint8_t** p, uint8_t* end, ReadEvent* event);
  bool ReadData(uint8_t* data, size_t size, ReadEvent* event);
  bool TakeText(const uint8_t* data, size_t size, bool ends);
  bool ReadControl(uint8_t* data, size_t size, ReadEvent* event);
  ReadEvent CloseEvent(uint8_t* data, size_t size);
  ReadEvent Fail(uint16_t code);
  void EndFrame();
  bool Store(const uint8_t* data, size_t size);
  bool Reserve(size_t needed);
  void Release();

  std::unique_ptr<uint8_t, Free> buffer_;  // message so far, then control bytes
  uint32_t capacity_ = 0;
  uint32_t size_ = 0;       // bytes of the message in buffer_
  uint32_t max_;            // of a message
  uint32_t left_ = 0;       // bytes of the frame still to come
  uint32_t mask_ = 0;       // turned so that it fits the next byte
  uint32_t fragments_ = 0;  // frames of the message so far
  Utf8Validator utf8_;
  uint16_t error_ = 0;
  State state_ = State::kIdle;
  Opcode message_ = Opcode::kContinuation;  // of the message under way
  Opcode frame_ = Opcode::kContinuation;    // of the frame under way
  bool fin_ = false;
  bool skipping_ = false;     // the message under way was discarded
  bool spent_ = false;        // buffer_ belongs to an event already told
  uint8_t control_size_ = 0;  // control bytes behind the message in buffer_
  uint8_t header_size_ = 0;
  uint8_t header_[kMaxClientHeader] = {};  // a header that came in pieces
};

static_assert(sizeof(MessageReader) <= 64, "one per connection: keep it small");

}  // namespace fanwire

#endif  // FANWIRE_PROTOCOL_MESSAGE_READER_H_
