#include "room_order.h"

#include <algorithm>
#include <string>

#include "fail.h"

namespace fanwire::bench {

RoomOrder::RoomOrder(uint32_t members, uint32_t publishers)
    : recent_(kKept), next_sequence_(publishers, 0), next_position_(members, kNone) {}

void RoomOrder::OnReceived(uint32_t member, const Stamp& stamp) {
  uint64_t& position = next_position_[member];
  if (position == kNone) position = Find(stamp);
  if (position == size_) {
    if (stamp.publisher >= next_sequence_.size())
      Refuse(member, stamp, "from an unknown publisher");
    if (next_sequence_[stamp.publisher]++ != stamp.sequence)
      Refuse(member, stamp, "out of sequence");
    recent_[size_++ % kKept] = stamp;
  } else {
    if (size_ - position > kKept) Refuse(member, stamp, "too far behind the others");
    if (recent_[position % kKept] != stamp) Refuse(member, stamp, "not what the others got there");
  }
  ++position;
}

bool RoomOrder::complete() const {
  return std::all_of(next_position_.begin(), next_position_.end(),
                     [this](uint64_t position) { return position == size_; });
}

uint64_t RoomOrder::Find(const Stamp& stamp) const {
  const uint64_t oldest = size_ - std::min(size_, kKept);
  for (uint64_t position = size_; position-- > oldest;) {
    if (recent_[position % kKept] == stamp) return position;
  }
  return size_;
}

void RoomOrder::Refuse(uint32_t member, const Stamp& stamp, const char* why) const {
  Fail("member " + std::to_string(member) + " got message " + std::to_string(stamp.sequence) +
       " of publisher " + std::to_string(stamp.publisher) + ": " + why);
}

}  // namespace fanwire::bench
