// Histogram: latencies in logarithmic buckets, 64 to the octave (1.6 % resolution), fixed memory.
// Path:      received message -> window -> [histogram] -> report
// Threading: single-threaded program.
// Lifetime:  a value.
#ifndef FANWIRE_BENCH_LOAD_HISTOGRAM_H_
#define FANWIRE_BENCH_LOAD_HISTOGRAM_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace fanwire::bench {

class Histogram {
 public:
  // Counts one value. Negative values count as 0.
  void Add(int64_t nanoseconds);

  // The value below which `share` (0 … 1) of all values lie; 0 when nothing was added.
  int64_t Quantile(double share) const;

  uint64_t count() const { return count_; }
  int64_t max() const { return max_; }

 private:
  static constexpr size_t kSubBits = 6;
  static constexpr size_t kBuckets = (64 - kSubBits) << kSubBits;

  static size_t BucketOf(uint64_t value);
  static uint64_t MiddleOf(size_t bucket);

  std::array<uint64_t, kBuckets> buckets_{};
  uint64_t count_ = 0;
  int64_t max_ = 0;
};

}  // namespace fanwire::bench

#endif  // FANWIRE_BENCH_LOAD_HISTOGRAM_H_
