#include "protocol/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "test/native/protocol/naive_utf8.h"

namespace fanwire {
namespace {

using namespace std::string_view_literals;

const uint8_t* Data(std::string_view text) { return reinterpret_cast<const uint8_t*>(text.data()); }

bool IsValid(std::string_view text) { return IsValidUtf8(Data(text), text.size()); }

// How many bytes pass, one by one, before the first that is refused; all if none is.
size_t AcceptedBytes(std::string_view text) {
  Utf8Validator validator;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!validator.Append(Data(text) + i, 1)) return i;
  }
  return text.size();
}

TEST(Utf8Test, AcceptsEveryCodePointAndRefusesSurrogates) {
  for (uint32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
    ASSERT_EQ(IsValid(test::EncodeNaively(code_point)), !surrogate) << std::hex << code_point;
  }
}

TEST(Utf8Test, RefusesWhatRfc3629Forbids) {
  const std::string_view bad[] = {
      "\x80"sv,              // a continuation byte alone
      "\xC0\xAF"sv,          // '/' in two bytes
      "\xC1\xBF"sv,          // U+007F in two bytes
      "\xE0\x9F\xBF"sv,      // U+07FF in three bytes
      "\xF0\x8F\xBF\xBF"sv,  // U+FFFF in four bytes
      "\xED\xA0\x80"sv,      // U+D800
      "\xED\xBF\xBF"sv,      // U+DFFF
      "\xF4\x90\x80\x80"sv,  // U+110000
      "\xF5\x80\x80\x80"sv,  // a lead that leads nowhere
      "\xFE"sv,
      "\xFF"sv,
      "\xC3("sv,
      "\xE2\x82("sv,
      "\xF0\x9F\x98("sv,
  };
  for (const std::string_view text : bad) {
    EXPECT_FALSE(IsValid(text)) << testing::PrintToString(text);
    const std::string between = "0123456789abcdef" + std::string(text) + "0123456789abcdef";
    EXPECT_FALSE(IsValid(between)) << testing::PrintToString(text);
  }
}

TEST(Utf8Test, RefusesACharacterCutAtTheEnd) {
  for (const std::string_view text : {"\xC3"sv, "\xE2\x82"sv, "\xF0\x9F\x98"sv, "abc\xF0"sv}) {
    Utf8Validator validator;
    EXPECT_TRUE(validator.Append(Data(text), text.size()));
    EXPECT_FALSE(validator.complete());
    EXPECT_FALSE(IsValid(text));
  }
}

TEST(Utf8Test, FailsAtTheFirstByteThatCannotContinue) {
  EXPECT_EQ(AcceptedBytes("\xED\xA0\x80"sv), 1u);
  EXPECT_EQ(AcceptedBytes("\xE0\x80\x80"sv), 1u);
  EXPECT_EQ(AcceptedBytes("\xF4\x90\x80\x80"sv), 1u);
  EXPECT_EQ(AcceptedBytes("\xF0\x8F"sv), 1u);
  EXPECT_EQ(AcceptedBytes("\xC0\x80"sv), 0u);
  EXPECT_EQ(AcceptedBytes("ok\xE2\x82x"sv), 4u);
}

TEST(Utf8Test, ContinuesACharacterAcrossPieces) {
  const std::string_view text = "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80"sv;
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Utf8Validator validator;
    ASSERT_TRUE(validator.Append(Data(text), cut));
    ASSERT_TRUE(validator.Append(Data(text) + cut, text.size() - cut));
    ASSERT_TRUE(validator.complete());
  }
  EXPECT_EQ(AcceptedBytes(text), text.size());
}

TEST(Utf8Test, FindsABadByteAtEveryPlaceOfALongText) {
  for (size_t size = 1; size <= 100; ++size) {
    std::string text(size, 'a');
    ASSERT_TRUE(IsValid(text));
    for (size_t place = 0; place < size; ++place) {
      text[place] = '\xFF';
      ASSERT_FALSE(IsValid(text)) << size << " " << place;
      text[place] = 'a';
    }
  }
}

TEST(Utf8Test, AgreesWithThePlainReferenceOnEveryEdge) {
  const std::string_view edges =
      "\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xDF\xE0\xE1\xEC\xED\xEE\xEF\xF0\xF1\xF3\xF4\xF5\xFF"sv;
  for (const char a : edges) {
    for (const char b : edges) {
      for (const char c : edges) {
        for (const char d : edges) {
          const std::string text = {a, b, c, d};
          ASSERT_EQ(IsValid(text), test::IsValidNaively(text)) << testing::PrintToString(text);
          Utf8Validator validator;
          ASSERT_EQ(validator.Append(Data(text), 3), test::CanBecomeValidNaively({a, b, c}))
              << testing::PrintToString(text);
        }
      }
    }
  }
}

TEST(Utf8Test, AcceptsNothingAtAll) {
  EXPECT_TRUE(IsValidUtf8(nullptr, 0));
  Utf8Validator validator;
  EXPECT_TRUE(validator.Append(nullptr, 0));
  EXPECT_TRUE(validator.complete());
}

TEST(Utf8Test, StartsAnewAfterReset) {
  Utf8Validator validator;
  EXPECT_TRUE(validator.Append(Data("\xE2"), 1));
  validator.Reset();
  EXPECT_TRUE(validator.complete());
  EXPECT_TRUE(validator.Append(Data("a"), 1));
}

}  // namespace
}  // namespace fanwire
