#include "core/fan_out.h"

#include <algorithm>

#include "core/session.h"

namespace fanwire {

void FanOut::Append(Session& session, const Segment& segment) {
  const auto index = int32_t(segments_.size());
  segments_.push_back(segment);
  if (session.first_segment_ < 0) {
    session.first_segment_ = index;
    Touch(session);
  } else {
    segments_[size_t(session.last_segment_)].next = index;
  }
  session.last_segment_ = index;
}

void FanOut::Touch(Session& session) {
  if (session.touched_) return;
  session.touched_ = true;
  dirty_.push_back(&session);
}

void FanOut::Send(Session& session, const uint8_t* frames, uint32_t size) {
  CloseBatch();
  Append(session, {frames, size, -1, nullptr, nullptr, 0, true});
}

void FanOut::Send(Session& session, const Message& message) {
  CloseBatch();
  Append(session, {message.frame.data(), uint32_t(message.frame.size()), -1, &message.frame,
                   message.plain() ? nullptr : &message, 1, true});
}

void FanOut::Deliver(const RoomMembers& members, const Message& message,
                     const std::vector<Session*>& except) {
  if (batch_members_ != &members) {
    CloseBatch();
    batch_members_ = &members;
  }
  for (Session* session : except) batch_except_.emplace_back(session, batch_.size());
  batch_.push_back(&message);
}

// Each run of small plain messages becomes one piece of bytes for all members.
void FanOut::CloseBatch() {
  if (batch_.empty()) return;
  std::sort(batch_except_.begin(), batch_except_.end());
  batch_except_.erase(std::unique(batch_except_.begin(), batch_except_.end()), batch_except_.end());
  for (size_t from = 0; from < batch_.size();) {
    size_t to = from + 1, bytes = batch_[from]->frame.size();
    while (to < batch_.size() && batch_[to]->plain() && batch_[from]->plain() &&
           bytes + batch_[to]->frame.size() <= kBig) {
      bytes += batch_[to++]->frame.size();
    }
    AppendRun(from, to);
    from = to;
  }
  batch_.clear();
  batch_except_.clear();
  batch_members_ = nullptr;
}

void FanOut::AppendRun(size_t from, size_t to) {
  const SharedBytes* bytes = &batch_[from]->frame;
  if (to - from > 1) {
    size_t size = 0;
    for (size_t i = from; i < to; i++) size += batch_[i]->frame.size();
    joined_.push_back(SharedBytes::Allocate(size));
    uint8_t* end = joined_.back().mutable_data();
    for (size_t i = from; i < to; i++) {
      const SharedBytes& frame = batch_[i]->frame;
      end = std::copy_n(frame.data(), frame.size(), end);
    }
    bytes = &joined_.back();
  }
  const Message* message = batch_[from]->plain() ? nullptr : batch_[from];
  const Segment whole{bytes->data(), uint32_t(bytes->size()), -1,   bytes,
                      message,       uint32_t(to - from),     false};
  bool any_except = false;
  for (const auto& [session, index] : batch_except_) {
    if (index >= from && index < to) session->excepted_ = any_except = true;
  }
  size_t receivers = 0;
  for (Session* session : batch_members_->sessions()) {
    if (session->excepted_) continue;
    Append(*session, whole);
    receivers++;
  }
  counters_.messages_out.Add(receivers * (to - from));
  if (!any_except) return;
  for (Session* session : batch_members_->sessions()) {
    if (std::exchange(session->excepted_, false)) AppendStretches(*session, from, to, whole);
  }
  for (const auto& [session, index] : batch_except_)
    session->excepted_ = false;  // named, but no member
}

// For a member that misses some of the run: what lies between.
void FanOut::AppendStretches(Session& session, size_t from, size_t to, const Segment& whole) {
  auto missed =
      std::lower_bound(batch_except_.begin(), batch_except_.end(), std::pair(&session, from));
  Segment stretch = whole;
  stretch.size = stretch.frames = 0;
  for (size_t i = from; i < to; i++) {
    const auto size = uint32_t(batch_[i]->frame.size());
    if (missed == batch_except_.end() || *missed != std::pair(&session, i)) {
      stretch.size += size;
      stretch.frames++;
      continue;
    }
    ++missed;
    if (stretch.size != 0) Append(session, stretch);
    counters_.messages_out.Add(stretch.frames);
    stretch.data += stretch.size + size;
    stretch.size = stretch.frames = 0;
  }
  if (stretch.size != 0) Append(session, stretch);
  counters_.messages_out.Add(stretch.frames);
}

void FanOut::Flush() {
  CloseBatch();
  // A flush may touch further sessions (a close that makes another one leave): the list may grow.
  for (size_t i = 0; i < dirty_.size(); i++) {  // NOLINT(modernize-loop-convert)
    Session* session = dirty_[i];
    session->touched_ = false;
    session->Flush();
    session->first_segment_ = session->last_segment_ = -1;
  }
  dirty_.clear();
  segments_.clear();
  if (segments_.capacity() > 2 * kManySegments) segments_.shrink_to_fit();
  joined_.clear();
}

}  // namespace fanwire
