// Outgoing: the application thread's end of the mailboxes: what it sends is gathered here and
// posted in batches.
// Path:      application -> [outgoing] -> mailboxes -> reactors
// Threading: the application thread's.
// Lifetime:  part of the engine; ends after the reactors.
#ifndef FANWIRE_ENGINE_OUTGOING_H_
#define FANWIRE_ENGINE_OUTGOING_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "fanwire/command.h"
#include "net/reactor_group.h"

namespace fanwire {

class Outgoing {
 public:
  explicit Outgoing(ReactorGroup& group) : group_(group), batches_(group.size()) {}
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;

  static Message MakeMessage(const uint8_t* data, size_t size, uint8_t flags, std::string_view key);

  SendResult Send(SessionId id, const uint8_t* data, size_t size, uint8_t flags,
                  std::string_view key);
  SendResult Send(SessionId id, const Message& message);
  // What came of a publish, which was posted past the batches: call PostAll() before it.
  SendResult Published(SendResult result);

  // For commands that need no answer; they keep their place among the sends.
  Batch& To(SessionId id) { return batches_[id.reactor()]; }
  // Everything that was sent so far is now before what is posted next.
  void PostAll();
  // Posts, and wakes the reactors that got something.
  void Flush();
  // The reactors that have something and were not woken yet: whoever posts past the batches adds.
  ReactorSet& posted() { return posted_; }

 private:
  void FlushIfDue(size_t reactor);
  SendResult Refused(uint32_t reactor);
  SendResult NotTaken(SessionId id, SessionRecord& record, int64_t why);
  SendResult Answer(SessionId id, SessionRecord& record, int64_t buffered);

  ReactorGroup& group_;
  std::vector<Batch> batches_;  // one for each reactor
  ReactorSet posted_ = 0;
  int64_t oldest_ns_ = 0;  // when the first message since the last flush was taken; 0: none
};

}  // namespace fanwire

#endif  // FANWIRE_ENGINE_OUTGOING_H_
