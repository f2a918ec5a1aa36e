// ByteBuffer: growable bytes that are never zero-filled and keep their memory over Clear().
// Path:      wherever bytes are gathered: batches, the cork, incomplete heads.
// Threading: one owner.
// Lifetime:  owns its memory; pointers into it hold until it next grows.
#ifndef FANWIRE_BASE_BYTE_BUFFER_H_
#define FANWIRE_BASE_BYTE_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace fanwire {

class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(ByteBuffer&& o) noexcept { Swap(o); }
  ByteBuffer& operator=(ByteBuffer&& o) noexcept {
    Swap(o);
    return *this;
  }
  ~ByteBuffer() { free(data_); }

  // Room for `n` more bytes; Advance() says how many of them were filled.
  uint8_t* Reserve(size_t n) {
    if (size_ + n > capacity_) Grow(n);
    return data_ + size_;
  }
  void Advance(size_t n) { size_ += n; }
  void Append(const void* p, size_t n) {
    if (n == 0) return;
    memcpy(Reserve(n), p, n);
    size_ += n;
  }
  // Keeps at most `keep` bytes of memory for next time.
  void Clear(size_t keep = size_t{1} << 20) {
    size_ = 0;
    if (capacity_ > keep) {
      free(std::exchange(data_, nullptr));
      capacity_ = 0;
    }
  }
  void Swap(ByteBuffer& o) noexcept {
    std::swap(data_, o.data_);
    std::swap(size_, o.size_);
    std::swap(capacity_, o.capacity_);
  }

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }

 private:
  void Grow(size_t n) {
    capacity_ = (size_ + n) * 2;
    auto* grown = static_cast<uint8_t*>(realloc(data_, capacity_));
    if (grown == nullptr) throw std::bad_alloc();
    data_ = grown;
  }

  uint8_t* data_ = nullptr;
  size_t size_ = 0, capacity_ = 0;
};

}  // namespace fanwire

#endif  // FANWIRE_BASE_BYTE_BUFFER_H_
