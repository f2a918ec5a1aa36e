#include "engine/outgoing.h"

#include <cstring>
#include <ctime>
#include <utility>

namespace fanwire {
namespace {

constexpr size_t kPostBytes = 256 * 1024;  // a batch this big does not wait for Flush()
constexpr int64_t kMaxHoldNs = 2'000'000;  // nor does a message this old
// A message this big has bytes of its own, which are never copied again.
constexpr size_t kSharedBytes = 4 * 1024;

// A few nanoseconds to read, exact to a tick of the kernel's: enough to notice a slow handler.
int64_t CoarseNowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

Opcode OpcodeOf(uint8_t flags) {
  return (flags & kSendBinary) != 0 ? Opcode::kBinary : Opcode::kText;
}

}  // namespace

Message Outgoing::MakeMessage(const uint8_t* data, size_t size, uint8_t flags,
                              std::string_view key) {
  Message message = Message::Frame(OpcodeOf(flags), data, size);
  if (!key.empty()) message.key = SharedBytes::Copy(key);
  message.is_volatile = (flags & kSendVolatile) != 0;
  return message;
}

SendResult Outgoing::Send(SessionId id, const uint8_t* data, size_t size, uint8_t flags,
                          std::string_view key) {
  const size_t bytes = FrameHeaderSize(size) + size;
  if (bytes >= kSharedBytes || !key.empty() || (flags & kSendVolatile) != 0) {
    return Send(id, MakeMessage(data, size, flags, key));
  }
  SessionRecord* record = group_.RecordOf(id);
  if (record == nullptr) return SendResult::kGone;
  Batch& batch = To(id);
  if (record->StateOf(id.generation) == SessionState::kOpen &&
      group_.reactor(id.reactor()).mailbox().Refuses(batch.cost() + bytes)) {
    return Refused(id.reactor());
  }
  const int64_t buffered = record->TryAddBuffered(id.generation, uint32_t(bytes));
  if (buffered < 0) return NotTaken(id, *record, buffered);
  const size_t from = batch.bytes.size();
  uint8_t* to = batch.bytes.Reserve(bytes);
  to += PutFrameHeader(to, OpcodeOf(flags), size);
  if (size != 0) memcpy(to, data, size);
  batch.bytes.Advance(bytes);
  batch.EndSend(id, from);
  FlushIfDue(id.reactor());
  return Answer(id, *record, buffered);
}

SendResult Outgoing::Send(SessionId id, const Message& message) {
  SessionRecord* record = group_.RecordOf(id);
  if (record == nullptr) return SendResult::kGone;
  Batch& batch = To(id);
  const size_t bytes = message.frame.size();
  if (record->StateOf(id.generation) == SessionState::kOpen &&
      group_.reactor(id.reactor()).mailbox().Refuses(batch.cost() + bytes)) {
    return Refused(id.reactor());
  }
  const int64_t buffered = record->TryAddBuffered(id.generation, uint32_t(bytes));
  if (buffered < 0) return NotTaken(id, *record, buffered);
  batch.Add(CommandKind::kSendMessage, id).message = message;
  batch.shared_bytes += bytes;
  FlushIfDue(id.reactor());
  return Answer(id, *record, buffered);
}

// The bytes have been added to the session's sum, which is now `buffered`.
SendResult Outgoing::Answer(SessionId id, SessionRecord& record, int64_t buffered) {
  const uint32_t mark = record.high_water_mark.load(std::memory_order_relaxed);
  if (buffered <= mark) return SendResult::kQueued;
  return record.OweDrain(id.generation, mark / 2) ? SendResult::kQueuedHigh : SendResult::kQueued;
}

// A session that has hundreds of megabytes under way takes no more; a drain follows.
SendResult Outgoing::NotTaken(SessionId id, SessionRecord& record, int64_t why) {
  if (why == SessionRecord::kNotOpen) return SendResult::kGone;
  record.OweDrain(id.generation, record.high_water_mark.load(std::memory_order_relaxed) / 2);
  return Refused(id.reactor());
}

SendResult Outgoing::Refused(uint32_t reactor) {
  group_.reactor(reactor).hub().counters().refused_sends.AddShared();
  Flush();  // it may be asleep, with all this in its mailbox
  return SendResult::kRefused;
}

SendResult Outgoing::Published(SendResult result) {
  if (result == SendResult::kRefused) return Refused(0);
  FlushIfDue(0);
  return result;
}

void Outgoing::PostAll() {
  for (size_t i = 0; i < batches_.size(); i++) {
    if (batches_[i].empty()) continue;
    group_.reactor(i).mailbox().Post(batches_[i]);
    posted_ |= ReactorSet{1} << i;
  }
}

void Outgoing::Flush() {
  PostAll();
  group_.Wake(std::exchange(posted_, 0));
  oldest_ns_ = 0;
}

// Not everything waits for the end of the application's turn: a batch that has grown, or whose
// first message is milliseconds old because handlers are slow, leaves now.
void Outgoing::FlushIfDue(size_t reactor) {
  const int64_t now_ns = CoarseNowNs();
  if (oldest_ns_ == 0) oldest_ns_ = now_ns;
  if (batches_[reactor].cost() > kPostBytes || now_ns - oldest_ns_ > kMaxHoldNs) Flush();
}

}  // namespace fanwire
