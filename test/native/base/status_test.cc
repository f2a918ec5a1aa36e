#include "fanwire/status.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace fanwire {
namespace {

TEST(StatusTest, IsOkByDefault) {
  const Status status;
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.code(), "");
  EXPECT_EQ(status.error_number(), 0);
}

TEST(StatusTest, CarriesACodeAndASentence) {
  const Status status = Status::Error("ERR_FANWIRE_PATTERN", "no");
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.code(), "ERR_FANWIRE_PATTERN");
  EXPECT_EQ(status.message(), "no");
}

TEST(StatusTest, SaysErrnoAsNodeDoes) {
  const Status status = Status::FromErrno("listen", EADDRINUSE, "127.0.0.1:80");
  EXPECT_EQ(status.code(), "EADDRINUSE");
  EXPECT_EQ(status.error_number(), EADDRINUSE);
  EXPECT_EQ(status.message(), "listen EADDRINUSE: Address already in use 127.0.0.1:80");
}

TEST(StatusTest, AnUnknownErrnoHasACodeToo) {
  const Status status = Status::FromErrno("read", 9'999, "");
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.code(), "E9999");
  EXPECT_NE(status.message().find("read E9999"), std::string::npos);
}

}  // namespace
}  // namespace fanwire
