// Utf8Validator agrees with the plain reference, whole and in pieces, and fails at the very byte
// after which no text can be valid any more.
// Input: one byte chooses the cuts, the rest is the text.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "protocol/utf8.h"
#include "test/native/protocol/naive_utf8.h"

namespace fanwire {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// Appends the text in pieces of `step` bytes, each in a block of its own.
bool IsValidInPieces(const std::string& text, size_t step) {
  Utf8Validator validator;
  for (size_t at = 0; at < text.size(); at += step) {
    const std::vector<uint8_t> piece(
        text.begin() + static_cast<std::ptrdiff_t>(at),
        text.begin() + static_cast<std::ptrdiff_t>(std::min(at + step, text.size())));
    if (!validator.Append(piece.data(), piece.size())) return false;
  }
  return validator.complete();
}

// How many bytes are accepted one by one.
size_t AcceptedBytes(const std::string& text) {
  Utf8Validator validator;
  for (size_t i = 0; i < text.size(); ++i) {
    const uint8_t byte = static_cast<uint8_t>(text[i]);
    if (!validator.Append(&byte, 1)) return i;
  }
  return text.size();
}

}  // namespace
}  // namespace fanwire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fanwire;  // NOLINT(google-build-using-namespace)
  if (size < 1) return 0;
  const size_t step = 1 + data[0] % 48;
  const std::string text(data + 1, data + size);
  const bool valid = test::IsValidNaively(text);
  Require(IsValidUtf8(data + 1, size - 1) == valid);
  Require(IsValidInPieces(text, step) == valid);

  const size_t accepted = AcceptedBytes(text);
  Require(test::CanBecomeValidNaively(text.substr(0, accepted)));
  if (accepted < text.size()) {
    Require(!test::CanBecomeValidNaively(text.substr(0, accepted + 1)));
  }
  Utf8Validator whole;
  Require(whole.Append(data + 1, size - 1) == (accepted == text.size()));
  return 0;
}
