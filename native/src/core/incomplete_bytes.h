// IncompleteBytes: what all sessions of an engine hold of messages that are not complete.
// Path:      beside the data path.
// Threading: each reactor adds its own; anyone reads.
// Lifetime:  outlives the hubs that share it.
#ifndef FANWIRE_CORE_INCOMPLETE_BYTES_H_
#define FANWIRE_CORE_INCOMPLETE_BYTES_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

#include "core/channel_directory.h"

namespace fanwire {

class IncompleteBytes {
 public:
  void Add(uint32_t reactor, int64_t bytes) {
    by_reactor_[reactor].fetch_add(bytes, std::memory_order_relaxed);
    total_.fetch_add(bytes, std::memory_order_relaxed);
  }
  uint64_t total() const { return uint64_t(total_.load(std::memory_order_relaxed)); }
  // The reactor whose sessions hold most.
  uint32_t biggest() const {
    return uint32_t(std::max_element(by_reactor_.begin(), by_reactor_.end()) - by_reactor_.begin());
  }

 private:
  std::atomic<int64_t> total_{0};
  std::array<std::atomic<int64_t>, kMaxReactors> by_reactor_{};
};

}  // namespace fanwire

#endif  // FANWIRE_CORE_INCOMPLETE_BYTES_H_
