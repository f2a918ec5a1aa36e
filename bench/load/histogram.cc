#include "histogram.h"

#include <algorithm>
#include <bit>

namespace fanwire::bench {

// Values below 2^kSubBits have a bucket each; above, each octave is cut into 2^kSubBits.
size_t Histogram::BucketOf(uint64_t value) {
  if (value < (1u << kSubBits)) return value;
  const size_t octave = std::bit_width(value) - 1 - kSubBits;
  return ((octave + 1) << kSubBits) + ((value >> octave) & ((1u << kSubBits) - 1));
}

uint64_t Histogram::MiddleOf(size_t bucket) {
  if (bucket < (1u << kSubBits)) return bucket;
  const size_t octave = (bucket >> kSubBits) - 1;
  const uint64_t low = ((1ull << kSubBits) + (bucket & ((1u << kSubBits) - 1))) << octave;
  return low + ((1ull << octave) >> 1);
}

void Histogram::Add(int64_t nanoseconds) {
  const int64_t value = std::max<int64_t>(nanoseconds, 0);
  ++buckets_[std::min(BucketOf(static_cast<uint64_t>(value)), kBuckets - 1)];
  ++count_;
  max_ = std::max(max_, value);
}

int64_t Histogram::Quantile(double share) const {
  const auto rank = static_cast<uint64_t>(share * static_cast<double>(count_));
  uint64_t below = 0;
  for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
    below += buckets_[bucket];
    if (below > rank) return std::min(static_cast<int64_t>(MiddleOf(bucket)), max_);
  }
  return max_;
}

}  // namespace fanwire::bench
