// Message: one outgoing message, encoded once, with what an outbox must know of it.
// Path:      publisher -> [message] -> fan-out -> outboxes
// Threading: immutable once made.
// Lifetime:  a value; its bytes are shared.
#ifndef FANWIRE_CORE_MESSAGE_H_
#define FANWIRE_CORE_MESSAGE_H_

#include <cstring>

#include "base/shared_bytes.h"
#include "protocol/ws_frame.h"

namespace fanwire {

struct Message {
  SharedBytes frame;         // the whole WebSocket frame, or several back to back
  SharedBytes key;           // keep-latest key; usually none
  bool is_volatile = false;  // not for a session that is blocked

  // Messages with no wish of their own may be merged into one piece.
  bool plain() const { return !key && !is_volatile; }

  static Message Frame(Opcode opcode, const uint8_t* payload, size_t size) {
    Message message;
    message.frame = SharedBytes::Allocate(FrameHeaderSize(size) + size);
    uint8_t* to = message.frame.mutable_data();
    to += PutFrameHeader(to, opcode, size);
    if (size != 0) memcpy(to, payload, size);
    return message;
  }
};

}  // namespace fanwire

#endif  // FANWIRE_CORE_MESSAGE_H_
