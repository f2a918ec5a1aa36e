// CloseCode, CloseCause: why a session ended, in the peer's words and in ours.
// Path:      connection -> session -> [close] -> handler; docs/limits.md prints this table.
// Threading: values.
// Lifetime:  values.
#ifndef FANWIRE_CLOSE_CODE_H_
#define FANWIRE_CLOSE_CODE_H_

#include <cstdint>

namespace fanwire {

// RFC 6455 section 7.4.1, and our own in 4000-4999.
enum CloseCode : uint16_t {
  kCloseNormal = 1000,
  kCloseGoingAway = 1001,
  kCloseProtocolError = 1002,
  kCloseNoStatus = 1005,  // never on the wire: the peer's close frame was empty
  kCloseAbnormal = 1006,  // never on the wire: the transport went without a close frame
  kCloseInvalidPayload = 1007,
  kClosePolicyViolation = 1008,
  kCloseMessageTooBig = 1009,
  kCloseInternalError = 1011,
  kCloseTryAgainLater = 1013,
};

// What JavaScript sees as `cause`; the numbers are part of the bridge (lib/events.js).
enum class CloseCause : uint8_t {
  kPeer = 0,
  kApplication = 1,
  kProtocolError = 2,
  kMessageTooBig = 3,
  kInvalidUtf8 = 4,
  kPongTimeout = 5,
  kSlowClient = 6,
  kSendTimeout = 7,
  kShutdown = 8,
  kTransportLost = 9,
  kHandlerFailed = 10,
  kHandlerTimeout = 11,
  kHandshake = 12,
  kMessageTimeout = 13,
  kIncompleteLimit = 14,
};

}  // namespace fanwire

#endif  // FANWIRE_CLOSE_CODE_H_
