#include "base/shared_bytes.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace fanwire {
namespace {

TEST(SharedBytesTest, NothingIsEmptyAndFalse) {
  const SharedBytes none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.size(), 0u);
  EXPECT_EQ(none.data(), nullptr);
  EXPECT_EQ(none.view(), "");
}

TEST(SharedBytesTest, AnEmptyCopyIsSomething) {
  const SharedBytes empty = SharedBytes::Copy("", 0);
  EXPECT_TRUE(empty);
  EXPECT_EQ(empty.view(), "");
  EXPECT_TRUE(SharedBytes::Copy(nullptr, 0));
}

TEST(SharedBytesTest, CopiesShareTheBytes) {
  const SharedBytes a = SharedBytes::Copy("hello");
  const SharedBytes b = a;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(a.data(), b.data());
  EXPECT_EQ(b.view(), "hello");
}

TEST(SharedBytesTest, SurvivesAssignmentToItselfAndFromAMove) {
  SharedBytes a = SharedBytes::Copy("hello");
  const SharedBytes& same = a;
  a = same;
  EXPECT_EQ(a.view(), "hello");
  SharedBytes b = std::move(a);
  EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move)
  a = b;
  b = SharedBytes();
  EXPECT_EQ(a.view(), "hello");
}

TEST(SharedBytesTest, ManyThreadsMayCopyAndDropIt) {
  const std::string text(1'000, 'x');
  for (int round = 0; round < 20; round++) {
    SharedBytes bytes = SharedBytes::Copy(text);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++) {
      threads.emplace_back([bytes, &text]() mutable {
        std::vector<SharedBytes> copies;
        for (int i = 0; i < 1'000; i++) {
          copies.push_back(bytes);
          if (i % 3 == 0) copies.clear();
        }
        bytes = SharedBytes();
        for (const SharedBytes& copy : copies) EXPECT_EQ(copy.view(), text);
      });
    }
    bytes = SharedBytes();  // the last one to go frees it
    for (std::thread& thread : threads) thread.join();
  }
}

}  // namespace
}  // namespace fanwire
