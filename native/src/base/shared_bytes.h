// SharedBytes: immutable, reference-counted bytes; how one encoded message serves every client.
// Path:      fan-out -> [shared_bytes] -> outboxes
// Threading: copies may be held and dropped on any thread; bytes are written only before the first
//            copy is made.
// Lifetime:  freed with the last copy.
#ifndef FANWIRE_BASE_SHARED_BYTES_H_
#define FANWIRE_BASE_SHARED_BYTES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace fanwire {

class SharedBytes {
 public:
  SharedBytes() = default;
  SharedBytes(const SharedBytes& o) : block_(o.block_) {
    if (block_ != nullptr) block_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  SharedBytes(SharedBytes&& o) noexcept : block_(std::exchange(o.block_, nullptr)) {}
  SharedBytes& operator=(SharedBytes o) noexcept {
    std::swap(block_, o.block_);
    return *this;
  }
  ~SharedBytes() {
    if (block_ != nullptr && block_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      block_->~Block();
      ::operator delete(block_);
    }
  }

  // Uninitialised room for `size` bytes; fill it through mutable_data() before sharing.
  static SharedBytes Allocate(size_t size) {
    SharedBytes bytes;
    bytes.block_ = new (::operator new(sizeof(Block) + size)) Block{{1}, uint32_t(size)};
    return bytes;
  }
  static SharedBytes Copy(const void* data, size_t size) {
    SharedBytes bytes = Allocate(size);
    if (size != 0) memcpy(bytes.mutable_data(), data, size);
    return bytes;
  }
  static SharedBytes Copy(std::string_view s) { return Copy(s.data(), s.size()); }

  // REQUIRES: not empty; no copy has been made yet.
  uint8_t* mutable_data() { return reinterpret_cast<uint8_t*>(block_ + 1); }

  const uint8_t* data() const {
    return block_ != nullptr ? reinterpret_cast<const uint8_t*>(block_ + 1) : nullptr;
  }
  size_t size() const { return block_ != nullptr ? block_->size : 0; }
  std::string_view view() const { return {reinterpret_cast<const char*>(data()), size()}; }
  explicit operator bool() const { return block_ != nullptr; }

 private:
  struct Block {
    std::atomic<uint32_t> refs;
    uint32_t size;
  };
  Block* block_ = nullptr;
};

}  // namespace fanwire

#endif  // FANWIRE_BASE_SHARED_BYTES_H_
