#include "protocol/http_head.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace fanwire {

void PrintTo(HeadStatus status, std::ostream* out) {
  static const char* const kNames[] = {"kNeedMore", "kDone", "kBad", "kTooLarge", "kBadVersion"};
  *out << kNames[static_cast<int>(status)];
}

namespace {

using namespace std::string_literals;

constexpr size_t kMaxBytes = 8192;
constexpr size_t kMaxFields = 100;
constexpr std::string_view kHandshake =
    "GET /chat/red?who=ann HTTP/1.1\r\n"
    "Host: example.com\r\n"
    "Upgrade: websocket\r\n"
    "CONNECTION:\tkeep-alive, Upgrade \t\r\n"
    "Cookie: a=1\r\n"
    "cookie: b=2\r\n"
    "X-Empty:\r\n"
    "\r\n";

HeadStatus Parse(std::string_view bytes, RequestHead* head) {
  return ParseRequestHead(bytes, kMaxBytes, kMaxFields, head);
}

HeadStatus StatusOf(std::string_view bytes) {
  RequestHead head;
  return Parse(bytes, &head);
}

// The status after each byte came alone, with one scanner, as on a slow connection.
HeadStatus StatusByteByByte(const std::string& bytes, size_t max_bytes = kMaxBytes) {
  HeadScanner scanner;
  RequestHead head;
  for (size_t size = 0; size <= bytes.size(); ++size) {
    const HeadStatus status =
        ParseRequestHead({bytes.data(), size}, max_bytes, kMaxFields, &head, &scanner);
    if (status != HeadStatus::kNeedMore) return status;
  }
  return HeadStatus::kNeedMore;
}

TEST(RequestHeadTest, GivesTheParts) {
  RequestHead head;
  const std::string bytes = std::string(kHandshake) + "early frame";
  ASSERT_EQ(Parse(bytes, &head), HeadStatus::kDone);
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.target, "/chat/red?who=ann");
  EXPECT_EQ(head.path(), "/chat/red");
  EXPECT_EQ(head.version, "HTTP/1.1");
  EXPECT_EQ(head.size, kHandshake.size());
  ASSERT_EQ(head.fields.size(), 6u);
  EXPECT_EQ(head.fields[2].name, "CONNECTION");
  EXPECT_EQ(head.fields[2].value, "keep-alive, Upgrade");
}

TEST(RequestHeadTest, FindsFieldsInAnyCase) {
  RequestHead head;
  ASSERT_EQ(Parse(kHandshake, &head), HeadStatus::kDone);
  EXPECT_EQ(head.Find("host"), "example.com");
  EXPECT_EQ(head.Find("connection"), "keep-alive, Upgrade");
  EXPECT_EQ(head.Find("cookie"), "a=1");
  EXPECT_EQ(head.Find("x-empty"), "");
  EXPECT_EQ(head.Find("origin"), "");
  EXPECT_EQ(head.Count("cookie"), 2u);
  EXPECT_EQ(head.Count("x-empty"), 1u);
  EXPECT_EQ(head.Count("origin"), 0u);
}

TEST(RequestHeadTest, ForgetsTheFieldsOfTheHeadBefore) {
  RequestHead head;
  ASSERT_EQ(Parse(kHandshake, &head), HeadStatus::kDone);
  ASSERT_EQ(Parse("GET / HTTP/1.1\r\n\r\n", &head), HeadStatus::kDone);
  EXPECT_TRUE(head.fields.empty());
  EXPECT_EQ(head.size, 18u);
}

TEST(RequestHeadTest, GivesThePathOfEveryForm) {
  const struct {
    const char* target;
    const char* path;
  } cases[] = {
      {"/", "/"},
      {"/a/b", "/a/b"},
      {"/a?b?c", "/a"},
      {"/?x=/y", "/"},
      {"//a", "//a"},
      {"http://host/a?b", "/a"},
      {"https://host:8443/a", "/a"},
      {"HTTP://host", "/"},
      {"http://host?x=/y", "/"},
      {"/http://host/a", "/http://host/a"},
  };
  for (const auto& c : cases) {
    RequestHead head;
    const std::string bytes = "GET "s + c.target + " HTTP/1.1\r\n\r\n";
    ASSERT_EQ(Parse(bytes, &head), HeadStatus::kDone) << c.target;
    EXPECT_EQ(head.path(), c.path) << c.target;
  }
}

TEST(RequestHeadTest, NeedsMoreUntilTheEmptyLine) {
  for (size_t size = 0; size < kHandshake.size(); ++size) {
    EXPECT_EQ(StatusOf(kHandshake.substr(0, size)), HeadStatus::kNeedMore) << size;
  }
  EXPECT_EQ(StatusByteByByte(std::string(kHandshake)), HeadStatus::kDone);
}

TEST(RequestHeadTest, RefusesWhatIsNotStrictHttp) {
  const std::string bad[] = {
      "\r\nGET / HTTP/1.1\r\n\r\n",
      " GET / HTTP/1.1\r\n\r\n",
      "GET  / HTTP/1.1\r\n\r\n",
      "GET /  HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1 \r\n\r\n",
      "GET\t/ HTTP/1.1\r\n\r\n",
      "GET /\r\n\r\n",
      "GET\r\n\r\n",
      "G@T / HTTP/1.1\r\n\r\n",
      "GET  HTTP/1.1\r\n\r\n",
      "GET a HTTP/1.1\r\n\r\n",
      "GET * HTTP/1.1\r\n\r\n",
      "GET host:80 HTTP/1.1\r\n\r\n",
      "GET ftp://host/ HTTP/1.1\r\n\r\n",
      "GET http:// HTTP/1.1\r\n\r\n",
      "GET http:///a HTTP/1.1\r\n\r\n",
      "GET /a#b HTTP/1.1\r\n\r\n",
      "GET /\x80 HTTP/1.1\r\n\r\n",
      "GET /\x7F HTTP/1.1\r\n\r\n",
      "GET /\0 HTTP/1.1\r\n\r\n"s,
      "GET / http/1.1\r\n\r\n",
      "GET / HTTP/1\r\n\r\n",
      "GET / HTTP/11\r\n\r\n",
      "GET / HTTP/1.10\r\n\r\n",
      "GET / HTTP/a.b\r\n\r\n",
      "GET / HTTP/1.1\n\n",
      "GET / HTTP/1.1\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\n\r\n",
      "GET / HTTP/1.1\rHost: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
      "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
      "GET / HTTP/1.1\r\n: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost\r\n\r\n",
      "GET / HTTP/1.1\r\nHo st: a\r\n\r\n",
      "GET / HTTP/1.1\r\nH\x80st: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"s,
      "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\x7F\r\n\r\n",
      "\n",
      "\x16\x03\x01\x02",  // TLS on a plain port, refused with its first byte
  };
  for (const std::string& bytes : bad) {
    EXPECT_EQ(StatusOf(bytes), HeadStatus::kBad) << testing::PrintToString(bytes);
    EXPECT_EQ(StatusByteByByte(bytes), HeadStatus::kBad) << testing::PrintToString(bytes);
  }
}

TEST(RequestHeadTest, AcceptsWhatStrictHttpAllows) {
  const std::string good[] = {
      "GET / HTTP/1.1\r\n\r\n",
      "M-SEARCH / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.0\r\n\r\n",
      "GET /%20!$&'()*+,;=:@~ HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost:a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: \t a \t \r\n\r\n",
      "GET / HTTP/1.1\r\nX: gr\xFC\xDF, \"q\" (c)\r\n\r\n",
      "GET / HTTP/1.1\r\n!#$%&'*+-.^_`|~09Az: a\r\n\r\n",
      "GET / HTTP/1.1\r\nX: a: b\r\n\r\n",
  };
  for (const std::string& bytes : good) {
    EXPECT_EQ(StatusOf(bytes), HeadStatus::kDone) << testing::PrintToString(bytes);
    EXPECT_EQ(StatusByteByByte(bytes), HeadStatus::kDone) << testing::PrintToString(bytes);
  }
}

TEST(RequestHeadTest, KnowsOtherVersionsAsSuch) {
  for (const char* version : {"HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/3.0"}) {
    EXPECT_EQ(StatusOf("GET / "s + version + "\r\n\r\n"), HeadStatus::kBadVersion) << version;
  }
}

TEST(RequestHeadTest, RefusesTwoThousandHeaders) {
  std::string bytes = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 2000; ++i) bytes += "a: b\r\n";
  bytes += "\r\n";
  RequestHead head;
  EXPECT_EQ(ParseRequestHead(bytes, 1 << 20, kMaxFields, &head), HeadStatus::kTooLarge);
  EXPECT_LE(head.fields.size(), kMaxFields);
  EXPECT_EQ(StatusOf(bytes), HeadStatus::kTooLarge);
}

TEST(RequestHeadTest, AllowsExactlyTheMostFields) {
  std::string bytes = "GET / HTTP/1.1\r\n";
  for (size_t i = 0; i < kMaxFields; ++i) bytes += "a: b\r\n";
  EXPECT_EQ(StatusOf(bytes + "\r\n"), HeadStatus::kDone);
  EXPECT_EQ(StatusOf(bytes + "a: b\r\n\r\n"), HeadStatus::kTooLarge);
}

TEST(RequestHeadTest, RefusesAMegabyteOfHeadersAsSoonAsTheLimitIsReached) {
  const std::string endless = "GET / HTTP/1.1\r\nX: " + std::string(1 << 20, 'x');
  EXPECT_EQ(StatusOf(endless), HeadStatus::kTooLarge);
  EXPECT_EQ(StatusOf(endless.substr(0, kMaxBytes)), HeadStatus::kTooLarge);
  EXPECT_EQ(StatusOf(endless.substr(0, kMaxBytes - 1)), HeadStatus::kNeedMore);
  EXPECT_EQ(StatusOf(std::string(1 << 20, 'G')), HeadStatus::kTooLarge);
}

TEST(RequestHeadTest, HoldsTheLimitOnTheHeadNotOnWhatFollows) {
  const std::string head(kHandshake);
  RequestHead parsed;
  const std::string with_frames = head + std::string(10000, 'x');
  EXPECT_EQ(ParseRequestHead(with_frames, head.size(), kMaxFields, &parsed), HeadStatus::kDone);
  EXPECT_EQ(ParseRequestHead(with_frames, head.size() - 1, kMaxFields, &parsed),
            HeadStatus::kTooLarge);
  EXPECT_EQ(StatusByteByByte(head, head.size()), HeadStatus::kDone);
  EXPECT_EQ(StatusByteByByte(head, head.size() - 1), HeadStatus::kTooLarge);
}

TEST(HeadScannerTest, LooksAtEachByteOnce) {
  // Bytes that were looked at are changed; a second look would stumble over them.
  std::string bytes = "GET / HTTP/1.1\r\nX: ";
  HeadScanner scanner;
  ASSERT_EQ(scanner.Scan(bytes, kMaxBytes), HeadStatus::kNeedMore);
  for (size_t i = 1; i < bytes.size(); ++i) bytes[i] = '\n';
  bytes += "y\r\n\r\n";
  ASSERT_EQ(scanner.Scan(bytes, kMaxBytes), HeadStatus::kDone);
  EXPECT_EQ(scanner.size(), bytes.size());
}

TEST(HeadScannerTest, AnswersTheSameAgain) {
  HeadScanner scanner;
  EXPECT_EQ(scanner.Scan(kHandshake, kMaxBytes), HeadStatus::kDone);
  EXPECT_EQ(scanner.Scan(kHandshake, kMaxBytes), HeadStatus::kDone);
  HeadScanner failed;
  EXPECT_EQ(failed.Scan("GET /\n", kMaxBytes), HeadStatus::kBad);
  EXPECT_EQ(failed.Scan("GET /\n\r\n\r\n", kMaxBytes), HeadStatus::kBad);
}

}  // namespace
}  // namespace fanwire
