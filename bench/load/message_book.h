// MessageBook: writes the messages of a load and knows each of them again when it comes back.
// Path:      scenario -> [message_book] -> masked frame … server … payload -> [message_book] ->
// stamp Threading: single-threaded program; immutable once made. Lifetime:  outlives the
// connections that carry its messages.
//
// A message is a 12-byte stamp (4 of publisher, 8 of sequence, 6 bits a byte) and a body: a piece
// of a fixed pattern that the stamp chooses. All bytes are '0' … 'o', so the same message is good
// text and good binary. The pattern lies here twice, plain to compare and masked to send: framing
// is a copy.
#ifndef FANWIRE_BENCH_LOAD_MESSAGE_BOOK_H_
#define FANWIRE_BENCH_LOAD_MESSAGE_BOOK_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fanwire::bench {

struct Stamp {
  uint32_t publisher = 0;  // below 2^24
  uint64_t sequence = 0;   // below 2^48
  bool operator==(const Stamp&) const = default;
};

class MessageBook {
 public:
  static constexpr size_t kStampBytes = 12;

  // REQUIRES: bytes >= kStampBytes.
  MessageBook(size_t bytes, bool text);

  // Appends the masked data frame of one message.
  void AppendMessage(const Stamp& stamp, std::string* out) const;

  // Appends a masked ping whose payload is the stamp alone.
  static void AppendPing(const Stamp& stamp, std::string* out);

  // Appends a masked frame with a payload of less than 126 bytes.
  static void AppendControl(uint8_t opcode, std::string_view payload, std::string* out);

  // The stamp of a whole, unharmed message of this book; nothing otherwise.
  std::optional<Stamp> Read(std::string_view payload) const;

  // The stamp of a pong's payload; nothing when it is none.
  static std::optional<Stamp> ReadStamp(std::string_view payload);

  bool text() const { return text_; }

 private:
  size_t BodyOffset(const Stamp& stamp) const;

  size_t bytes_;
  bool text_;
  std::string frame_head_;  // opcode, length, mask
  std::string plain_;
  std::string masked_;
};

}  // namespace fanwire::bench

#endif  // FANWIRE_BENCH_LOAD_MESSAGE_BOOK_H_
