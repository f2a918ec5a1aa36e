// Utf8Validator: says whether bytes that arrive in pieces are UTF-8 text.
// Path:      connection -> message_reader -> [utf8] -> session
// Threading: a plain value; one thread at a time.
// Lifetime:  four bytes of state; keeps no bytes and no pointers.
#ifndef FANWIRE_PROTOCOL_UTF8_H_
#define FANWIRE_PROTOCOL_UTF8_H_

#include <cstddef>
#include <cstdint>

namespace fanwire {

// Accepts exactly what RFC 3629 allows: no surrogates, no overlong forms,
// nothing above U+10FFFF.
class Utf8Validator {
 public:
  // Takes the next piece. False at the first byte that no valid text could
  // have at its place, even when the piece ends inside that character; the
  // validator must then be Reset() before further use.
  bool Append(const uint8_t* data, size_t size);

  // True when the text so far does not end inside a character.
  bool complete() const { return missing_ == 0; }

  void Reset() { *this = Utf8Validator(); }

 private:
  // What the next byte must be, if a character is open: missing_ continuation
  // bytes are still to come, the first of them within [low_, high_].
  uint8_t missing_ = 0;
  uint8_t low_ = 0;
  uint8_t high_ = 0;

  bool Step(uint8_t byte);
};

// The same for a text that lies in memory as a whole.
bool IsValidUtf8(const uint8_t* data, size_t size);

}  // namespace fanwire

#endif  // FANWIRE_PROTOCOL_UTF8_H_
