// ToldEvent: one record of a slab, copied out, and the walk over a published range.
// Path:      reactor -> slab -> [told_event] -> test
// Threading: values; a range belongs to the thread that took it.
// Lifetime:  owns its payload.
#ifndef FANWIRE_TEST_TOLD_EVENT_H_
#define FANWIRE_TEST_TOLD_EVENT_H_

#include <cstring>
#include <ostream>
#include <string>
#include <utility>

#include "fanwire/close_code.h"
#include "fanwire/command.h"
#include "fanwire/event.h"

namespace fanwire::test {

struct ToldEvent {
  EventKind kind{};
  SessionId id;
  uint8_t aux = 0;
  uint16_t endpoint = 0;
  std::string payload;

  // Of a kClose.
  uint16_t code() const {
    uint16_t code = 0;
    memcpy(&code, payload.data(), sizeof code);
    return code;
  }
  CloseCause cause() const { return CloseCause(payload.at(2)); }
  bool was_clean() const { return payload.at(3) != 0; }
  std::string reason() const { return payload.substr(4); }
  // Of a kOpen and a kAuthenticate.
  uint32_t token() const {
    uint32_t token = 0;
    memcpy(&token, payload.data(), sizeof token);
    return token;
  }
};

inline void PrintTo(const ToldEvent& event, std::ostream* out) {
  *out << "kind " << int(event.kind) << " of " << event.id.slot << "/" << event.id.generation
       << " '" << event.payload.substr(0, 60) << "'";
}

// Calls visit(const ToldEvent&) for each record; where it answers false the record stays unsettled.
template <typename Visit>
void WalkRange(const SlabRange& range, Visit&& visit) {
  for (uint32_t at = range.from; at < range.to;) {
    uint32_t word[4];
    memcpy(word, range.slab->data + at, sizeof word);
    const char* payload = reinterpret_cast<char*>(range.slab->data + at + kRecordHeader);
    const ToldEvent event{EventKind(word[2] & 0xFF),
                          {word[0], word[1]},
                          uint8_t(word[2] >> 8),
                          uint16_t(word[2] >> 16),
                          std::string(payload, word[3])};
    if (!visit(event)) {
      word[2] |= kUnsettledBit;
      memcpy(range.slab->data + at + 8, &word[2], sizeof word[2]);
    }
    at += RecordSize(word[3]);
  }
}

}  // namespace fanwire::test

#endif  // FANWIRE_TEST_TOLD_EVENT_H_
