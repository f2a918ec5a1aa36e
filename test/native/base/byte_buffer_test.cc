#include "base/byte_buffer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace fanwire {
namespace {

std::string_view ViewOf(const ByteBuffer& buffer) {
  return {reinterpret_cast<const char*>(buffer.data()), buffer.size()};
}

TEST(ByteBufferTest, GathersBytes) {
  ByteBuffer buffer;
  EXPECT_TRUE(buffer.empty());
  buffer.Append("hello ", 6);
  buffer.Append(nullptr, 0);
  memcpy(buffer.Reserve(5), "world", 5);
  buffer.Advance(5);
  EXPECT_EQ(ViewOf(buffer), "hello world");
}

TEST(ByteBufferTest, KeepsWhatItHasWhenItGrows) {
  ByteBuffer buffer;
  std::string expected;
  for (int i = 0; i < 10'000; i++) {
    const std::string piece(size_t(i % 17), char('a' + i % 26));
    buffer.Append(piece.data(), piece.size());
    expected += piece;
  }
  EXPECT_EQ(ViewOf(buffer), expected);
}

TEST(ByteBufferTest, ReservingIsNotAppending) {
  ByteBuffer buffer;
  buffer.Append("a", 1);
  buffer.Reserve(100);
  EXPECT_EQ(ViewOf(buffer), "a");
}

TEST(ByteBufferTest, ClearKeepsALittleMemoryAndGivesAwayMuch) {
  ByteBuffer buffer;
  buffer.Append("abc", 3);
  const size_t capacity = buffer.capacity();
  buffer.Clear();
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.capacity(), capacity);
  buffer.Reserve(100);
  buffer.Clear(16);
  EXPECT_EQ(buffer.capacity(), 0u);
  buffer.Append("again", 5);
  EXPECT_EQ(ViewOf(buffer), "again");
}

TEST(ByteBufferTest, MovesWithItsBytes) {
  ByteBuffer a;
  a.Append("abc", 3);
  ByteBuffer b = std::move(a);
  EXPECT_EQ(ViewOf(b), "abc");
  a = std::move(b);
  EXPECT_EQ(ViewOf(a), "abc");
}

}  // namespace
}  // namespace fanwire
