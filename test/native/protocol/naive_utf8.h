// naive_utf8: RFC 3629 said as plainly as possible, to hold the fast validator against.
// Path:      used by tests and fuzzers only
// Threading: pure functions; safe from any thread.
// Lifetime:  keeps nothing.
#ifndef FANWIRE_TEST_NAIVE_UTF8_H_
#define FANWIRE_TEST_NAIVE_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace fanwire::test {

inline std::string EncodeNaively(uint32_t code_point) {
  const auto byte = [](uint32_t value) { return static_cast<char>(value); };
  const auto tail = [&](int shift) { return byte(0x80 | (code_point >> shift & 0x3F)); };
  if (code_point < 0x80) return {byte(code_point)};
  if (code_point < 0x800) return {byte(0xC0 | code_point >> 6), tail(0)};
  if (code_point < 0x10000) return {byte(0xE0 | code_point >> 12), tail(6), tail(0)};
  return {byte(0xF0 | code_point >> 18), tail(12), tail(6), tail(0)};
}

// The size of the valid character at the start of `text`, 0 if there is none: decodes and
// encodes again, so that only the one right form comes out equal.
inline size_t CharacterSizeNaively(const std::string& text) {
  const uint8_t lead = static_cast<uint8_t>(text[0]);
  const size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (text.size() < size) return 0;
  uint32_t code_point = lead;
  if (size == 2) code_point = lead & 0x1F;
  if (size == 3) code_point = lead & 0x0F;
  if (size == 4) code_point = lead & 0x07;
  for (size_t i = 1; i < size; ++i) {
    code_point = code_point << 6 | (static_cast<uint8_t>(text[i]) & 0x3F);
  }
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) return 0;
  return EncodeNaively(code_point) == text.substr(0, size) ? size : 0;
}

inline bool IsValidNaively(std::string text) {
  while (!text.empty()) {
    const size_t size = CharacterSizeNaively(text);
    if (size == 0) return false;
    text.erase(0, size);
  }
  return true;
}

// Whether some valid text begins so: whole characters, then nothing or a cut one.
inline bool CanBecomeValidNaively(std::string text) {
  while (!text.empty()) {
    const size_t size = CharacterSizeNaively(text);
    if (size == 0) break;
    text.erase(0, size);
  }
  if (text.empty()) return true;
  if (text.size() > 3) return false;
  for (const char* tail : {"\x80", "\x90", "\xA0", "\x80\x80", "\x90\x80", "\xA0\x80",
                           "\x80\x80\x80", "\x90\x80\x80"}) {
    if (IsValidNaively(text + tail)) return true;
  }
  return false;
}

}  // namespace fanwire::test

#endif  // FANWIRE_TEST_NAIVE_UTF8_H_
