#include "core/event_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace fanwire {

EventQueue::~EventQueue() {
  for (SlabRange& range : ready_) {
    if (range.retired) range.slab->Unref();
  }
  for (Slab* slab : spare_) slab->Unref();
  if (slab_ != nullptr) slab_->Unref();
}

uint8_t* EventQueue::Append(SessionId id, EventKind kind, uint8_t aux, uint16_t endpoint,
                            uint32_t payload_size) {
  const uint32_t need = RecordSize(payload_size);
  if (slab_ == nullptr || end_ + need > slab_->capacity) NextSlab(need);
  auto* word = reinterpret_cast<uint32_t*>(slab_->data + end_);
  word[0] = id.slot;
  word[1] = id.generation;
  word[2] = uint32_t(kind) | uint32_t{aux} << 8 | uint32_t{endpoint} << 16;
  word[3] = payload_size;
  end_ += need;
  untaken_bytes_.fetch_add(need, std::memory_order_relaxed);
  return reinterpret_cast<uint8_t*>(word + 4);
}

void EventQueue::Append(SessionId id, EventKind kind, uint8_t aux, uint16_t endpoint,
                        std::string_view payload) {
  uint8_t* to = Append(id, kind, aux, endpoint, uint32_t(payload.size()));
  if (!payload.empty()) memcpy(to, payload.data(), payload.size());
}

bool EventQueue::Commit() {
  bool news = std::exchange(rolled_, false);
  if (slab_ != nullptr && end_ != published_) {
    Publish(false);
    news = true;
  }
  return news;
}

void EventQueue::Publish(bool retired) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!ready_.empty() && ready_.back().slab == slab_) {
    ready_.back().to = end_;
    ready_.back().retired = retired;
  } else {
    ready_.push_back({slab_, published_, end_, retired});
  }
  published_ = end_;
}

void EventQueue::NextSlab(uint32_t need) {
  if (slab_ != nullptr) {
    Publish(true);
    rolled_ = true;
  }
  slab_ = nullptr;
  if (need <= Slab::kBytes) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!spare_.empty()) {
      slab_ = spare_.back();
      spare_.pop_back();
    }
  }
  if (slab_ == nullptr) slab_ = Slab::Create(std::max(need, Slab::kBytes));
  end_ = published_ = 0;
}

void EventQueue::Take(std::vector<SlabRange>& out) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::swap(out, ready_);
  untaken_bytes_.store(0, std::memory_order_relaxed);
}

// Only the JavaScript thread adds to spare_, so what it is told here holds until its Retire().
bool EventQueue::WillReuse(const Slab& slab) const {
  if (slab.capacity != Slab::kBytes) return false;
  std::lock_guard<std::mutex> lock(mutex_);
  return spare_.size() < kSpareSlabs;
}

void EventQueue::Retire(Slab* slab) {
  if (!WillReuse(*slab)) return slab->Unref();
  std::lock_guard<std::mutex> lock(mutex_);
  spare_.push_back(slab);
}

}  // namespace fanwire
