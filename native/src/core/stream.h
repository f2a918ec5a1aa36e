// Stream: a byte stream to one peer; what the core knows of a connection.
// Path:      bytes in -> [stream] -> session ... outbox -> [stream] -> bytes out
// Threading: reactor-owned.
// Lifetime:  outlives the Session on it; after Close() nothing more comes from it, and it goes at
//            the end of the round.
#ifndef FANWIRE_CORE_STREAM_H_
#define FANWIRE_CORE_STREAM_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace fanwire {

class Stream {
 public:
  virtual ~Stream() = default;

  // Writes what the transport takes now: 0..size bytes, or -1 when it is dead. Less than `size`: it
  // is full, ask for RequestWritable().
  virtual ssize_t TryWrite(const uint8_t* data, size_t size) = 0;
  // OnWritable() follows once, when there is room again.
  virtual void RequestWritable() = 0;
  // Off: the peer's bytes stay with the kernel; its leaving is noticed all the same.
  virtual void SetReading(bool on) = 0;
  // No more bytes out; the peer sees the end after what has been written.
  virtual void ShutdownWrite() = 0;
  virtual void Close() = 0;
};

}  // namespace fanwire

#endif  // FANWIRE_CORE_STREAM_H_
