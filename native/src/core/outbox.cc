#include "core/outbox.h"

#include <utility>

namespace fanwire {

void Outbox::Push(SharedBytes bytes, uint32_t begin, uint32_t end, SharedBytes key, bool started) {
  if (first_ > 64 && first_ * 2 > entries_.size()) {
    entries_.erase(entries_.begin(), entries_.begin() + int64_t(first_));
    gone_ += first_;
    first_ = 0;
  }
  bytes_ += end - begin;
  entries_.push_back({std::move(bytes), std::move(key), begin, end, started});
  const Entry& entry = entries_.back();
  if (entry.key) {
    keys_.erase(entry.key.view());
    keys_.emplace(entry.key.view(), gone_ + entries_.size() - 1);
  }
}

void Outbox::PushFront(SharedBytes bytes, uint32_t begin, uint32_t end) {
  if (first_ == 0) {
    entries_.insert(entries_.begin(), Entry{});
    gone_--;  // wraps: only differences count
    first_ = 1;
  }
  bytes_ += end - begin;
  entries_[--first_] = {std::move(bytes), {}, begin, end, true};
}

std::string_view Outbox::Next(ByteBuffer& cork, size_t max_bytes, size_t big_bytes) const {
  const Entry& front = entries_[first_];
  const auto text = [](const Entry& e) {
    return std::string_view(reinterpret_cast<const char*>(e.bytes.data()) + e.begin, e.size());
  };
  if (front.size() >= big_bytes) return text(front).substr(0, max_bytes);
  cork.Clear();
  for (size_t i = first_; i < entries_.size(); i++) {
    const Entry& entry = entries_[i];
    if (entry.size() >= big_bytes || cork.size() + entry.size() > max_bytes) break;
    cork.Append(entry.bytes.data() + entry.begin, entry.size());
  }
  return {reinterpret_cast<const char*>(cork.data()), cork.size()};
}

void Outbox::Consume(size_t n) {
  bytes_ -= n;
  while (n > 0) {
    Entry& front = entries_[first_];
    if (n < front.size()) {
      front.begin += uint32_t(n);
      front.started = true;
      return;
    }
    n -= front.size();
    ForgetKey(front);
    front = Entry{};
    first_++;
    SkipDropped();
  }
}

void Outbox::SkipDropped() {
  while (first_ < entries_.size() && entries_[first_].size() == 0) first_++;
}

void Outbox::Drop(Entry& entry, Dropped* dropped) {
  dropped->bytes += entry.size();
  dropped->entries++;
  bytes_ -= entry.size();
  ForgetKey(entry);
  entry = Entry{};
}

// An older entry of a key goes without the newer one that keys_ knows.
void Outbox::ForgetKey(const Entry& entry) {
  if (!entry.key) return;
  auto found = keys_.find(entry.key.view());
  if (found != keys_.end() && found->second == gone_ + uint64_t(&entry - entries_.data()))
    keys_.erase(found);
}

Outbox::Dropped Outbox::DropOldest(size_t bytes, size_t limit) {
  Dropped dropped;
  for (size_t i = first_; i < entries_.size() && bytes_ + bytes > limit; i++) {
    if (!entries_[i].started && entries_[i].size() != 0) Drop(entries_[i], &dropped);
  }
  SkipDropped();
  return dropped;
}

Outbox::Dropped Outbox::DropKey(const SharedBytes& key) {
  Dropped dropped;
  auto found = keys_.find(key.view());
  if (found == keys_.end()) return dropped;
  Entry& entry = entries_[found->second - gone_];
  if (entry.started) return dropped;
  Drop(entry, &dropped);
  SkipDropped();
  return dropped;
}

}  // namespace fanwire
