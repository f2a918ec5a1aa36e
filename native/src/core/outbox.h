// Outbox: what a session could not send yet: references to whole frames, in order.
// Path:      fan-out -> [outbox] -> cork -> bytes out
// Threading: reactor-owned.
// Lifetime:  part of a Session, made when the kernel first takes less than it was given, gone when
//            it is empty again.
#ifndef FANWIRE_CORE_OUTBOX_H_
#define FANWIRE_CORE_OUTBOX_H_

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/byte_buffer.h"
#include "base/shared_bytes.h"

namespace fanwire {

class Outbox {
 public:
  // Bytes [begin, end) of `bytes`: one frame or several. `started`: the kernel has some of it
  // already, it cannot be dropped.
  void Push(SharedBytes bytes, uint32_t begin, uint32_t end, SharedBytes key, bool started);
  // Before all others: the rest of a control frame. REQUIRES: not mid_frame().
  void PushFront(SharedBytes bytes, uint32_t begin, uint32_t end);

  // The next bytes to write: a big piece in place, small ones gathered in `cork`. REQUIRES: not
  // empty.
  std::string_view Next(ByteBuffer& cork, size_t max_bytes, size_t big_bytes) const;
  // The kernel took the first `n` bytes.
  void Consume(size_t n);

  // Drops the oldest entries, never a started one, until `bytes` fit below `limit`; the bytes and
  // entries dropped.
  struct Dropped {
    size_t bytes = 0, entries = 0;
  };
  Dropped DropOldest(size_t bytes, size_t limit);
  // Drops the waiting entry of that key, if there is one.
  Dropped DropKey(const SharedBytes& key);

  bool empty() const { return bytes_ == 0; }
  size_t bytes() const { return bytes_; }
  // The kernel is in the middle of a frame: nothing else may be written before its rest.
  bool mid_frame() const { return !empty() && entries_[first_].started; }

 private:
  struct Entry {
    SharedBytes bytes, key;
    uint32_t begin, end;
    bool started;
    uint32_t size() const { return end - begin; }  // 0: dropped
  };
  void Drop(Entry& entry, Dropped* dropped);
  void ForgetKey(const Entry& entry);
  void SkipDropped();

  std::vector<Entry> entries_;
  size_t first_ = 0;   // entries before it are gone
  uint64_t gone_ = 0;  // how many entries were erased from the vector's front, ever
  size_t bytes_ = 0;
  std::unordered_map<std::string_view, uint64_t>
      keys_;  // key -> number of its newest entry; views into the entries' keys
};

}  // namespace fanwire

#endif  // FANWIRE_CORE_OUTBOX_H_
