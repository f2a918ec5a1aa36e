#include "protocol/upgrade.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace fanwire {
namespace {

using namespace std::string_literals;

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";  // of RFC 6455

// RFC 6455's handshake, in which a case takes lines out and puts others in.
std::vector<std::string> GoodLines() {
  return {"Host: server.example.com", "Upgrade: websocket", "Connection: Upgrade",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"};
}

struct Request {
  std::string first_line = "GET /chat HTTP/1.1";
  std::string without = "";  // lines that begin so are left out
  std::string with = "";     // whole lines, each with its end
};

UpgradeCheck Check(const Request& request) {
  std::string bytes = request.first_line + "\r\n";
  for (const std::string& line : GoodLines()) {
    if (request.without.empty() || !line.starts_with(request.without)) bytes += line + "\r\n";
  }
  bytes += request.with + "\r\n";
  RequestHead head;
  EXPECT_EQ(ParseRequestHead(bytes, 8192, 100, &head), HeadStatus::kDone) << bytes;
  return CheckUpgrade(head);
}

TEST(CheckUpgradeTest, AcceptsTheHandshakeOfRfc6455) {
  const UpgradeCheck check = Check({});
  EXPECT_EQ(check.status, 101);
  EXPECT_EQ(check.header_lines, "");
}

TEST(CheckUpgradeTest, AcceptsWhatRealClientsSend) {
  const Request good[] = {
      {.without = "Connection", .with = "Connection: keep-alive, Upgrade\r\n"},
      {.without = "Connection", .with = "Connection: keep-alive\r\nconnection: UPGRADE\r\n"},
      {.without = "Upgrade", .with = "Upgrade: WebSocket\r\n"},
      {.without = "Upgrade", .with = "Upgrade: h2c, websocket\r\n"},
      {.with = "Content-Length: 0\r\n"},
      {.first_line = "GET http://server.example.com/chat HTTP/1.1"},
      {.with = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"},
  };
  for (const Request& request : good) {
    EXPECT_EQ(Check(request).status, 101) << request.first_line << request.with;
  }
}

TEST(CheckUpgradeTest, RefusesEachFaultWithItsStatus) {
  const struct {
    Request request;
    uint16_t status;
  } cases[] = {
      {{.first_line = "POST /chat HTTP/1.1"}, 405},
      {{.first_line = "HEAD /chat HTTP/1.1"}, 405},
      {{.first_line = "get /chat HTTP/1.1"}, 405},
      {{.first_line = "GET /chat HTTP/1.0"}, 505},
      {{.without = "Upgrade"}, 426},
      {{.without = "Upgrade", .with = "Upgrade: h2c\r\n"}, 426},
      {{.without = "Upgrade", .with = "Upgrade: websocket2\r\n"}, 426},
      {{.without = "Connection"}, 400},
      {{.without = "Connection", .with = "Connection: keep-alive\r\n"}, 400},
      {{.without = "Sec-WebSocket-Version"}, 426},
      {{.without = "Sec-WebSocket-Version", .with = "Sec-WebSocket-Version: 8\r\n"}, 426},
      {{.without = "Sec-WebSocket-Version", .with = "Sec-WebSocket-Version: 13, 8\r\n"}, 426},
      {{.with = "Sec-WebSocket-Version: 13\r\n"}, 426},
      {{.without = "Sec-WebSocket-Key"}, 400},
      {{.with = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"}, 400},
      {{.without = "Sec-WebSocket-Key", .with = "Sec-WebSocket-Key: c2hvcnQ=\r\n"}, 400},
      {{.without = "Sec-WebSocket-Key", .with = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=a\r\n"},
       400},
      {{.without = "Sec-WebSocket-Key", .with = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE=\r\n"},
       400},
      {{.without = "Sec-WebSocket-Key", .with = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j_Q==\r\n"},
       400},
      {{.without = "Sec-WebSocket-Key", .with = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==a\r\n"},
       400},
      {{.without = "Host"}, 400},
      {{.without = "Host", .with = "Host:\r\n"}, 400},
      {{.with = "Host: other.example.com\r\n"}, 400},
      {{.with = "Content-Length: 5\r\n"}, 400},
      {{.with = "Content-Length: 0\r\nContent-Length: 5\r\n"}, 400},
      {{.with = "Content-Length: -1\r\n"}, 400},
      {{.with = "Transfer-Encoding: chunked\r\n"}, 400},
  };
  for (const auto& c : cases) {
    const UpgradeCheck check = Check(c.request);
    EXPECT_EQ(check.status, c.status)
        << c.request.first_line << " without " << c.request.without << " with " << c.request.with;
    EXPECT_FALSE(check.reason.empty());
    EXPECT_TRUE(IsSafeHeaderLines(check.header_lines));
  }
}

TEST(CheckUpgradeTest, SaysWhatItWouldTake) {
  EXPECT_EQ(Check({.first_line = "POST / HTTP/1.1"}).header_lines, "Allow: GET\r\n");
  const UpgradeCheck plain = Check({.without = "Upgrade"});
  EXPECT_TRUE(NamesHeader(plain.header_lines, "upgrade"));
  EXPECT_TRUE(NamesHeader(plain.header_lines, "connection"));
  const UpgradeCheck old = Check({.without = "Sec-WebSocket-Version"});
  EXPECT_NE(old.header_lines.find("Sec-WebSocket-Version: 13\r\n"), std::string_view::npos);
}

TEST(HasTokenTest, FindsATokenInAnyCaseAndPlace) {
  for (const char* list : {"websocket", "WebSocket", " websocket\t", "a,websocket",
                           "a , websocket ,b", ",,websocket", "websocket,"}) {
    EXPECT_TRUE(HasToken(list, "websocket")) << list;
  }
  for (const char* list :
       {"", ",", "websockets", "awebsocket", "web socket", "a b websocket", "web,socket"}) {
    EXPECT_FALSE(HasToken(list, "websocket")) << list;
  }
}

TEST(HasTokenTest, TakesHostileListsInOnePass) {
  EXPECT_FALSE(HasToken(std::string(1 << 20, ','), "upgrade"));
  EXPECT_FALSE(HasToken(std::string(1 << 20, ' '), "upgrade"));
  std::string spaced;
  for (int i = 0; i < 1 << 18; ++i) spaced += " ,\t ";
  EXPECT_FALSE(HasToken(spaced, "upgrade"));
  EXPECT_TRUE(HasToken(spaced + "upgrade", "upgrade"));
  EXPECT_FALSE(HasToken(std::string(1 << 20, 'u'), "upgrade"));
}

TEST(AcceptKeyTest, GivesRfc6455sAnswer) {
  const std::array<char, 28> accept = AcceptKey(kKey);
  EXPECT_EQ(std::string_view(accept.data(), accept.size()), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(AppendSwitchingTest, WritesTheWhole101) {
  std::string out = "before|";
  AppendSwitching(&out, kKey, "chat.v2", "Set-Cookie: a=1\r\nX-Node: 7\r\n");
  EXPECT_EQ(out,
            "before|HTTP/1.1 101 Switching Protocols\r\n"
            "Upgrade: websocket\r\n"
            "Connection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            "Sec-WebSocket-Protocol: chat.v2\r\n"
            "Set-Cookie: a=1\r\n"
            "X-Node: 7\r\n"
            "\r\n");
}

TEST(AppendSwitchingTest, LeavesOutWhatIsNotThere) {
  std::string out;
  AppendSwitching(&out, kKey, "", "");
  EXPECT_EQ(out.find("Protocol:"), std::string::npos);
  EXPECT_TRUE(out.ends_with("xOo=\r\n\r\n"));
}

TEST(AppendRefusalTest, WritesAWholeResponse) {
  std::string out;
  AppendRefusal(&out, 401, "WWW-Authenticate: Bearer\r\n", "who are you?\n");
  EXPECT_EQ(out,
            "HTTP/1.1 401 Unauthorized\r\n"
            "WWW-Authenticate: Bearer\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Connection: close\r\n"
            "Content-Length: 13\r\n"
            "\r\n"
            "who are you?\n");
}

TEST(AppendRefusalTest, KeepsAContentTypeOfItsCaller) {
  std::string out;
  AppendRefusal(&out, 403, "content-TYPE: application/json\r\n", "{}");
  EXPECT_EQ(out,
            "HTTP/1.1 403 Forbidden\r\n"
            "content-TYPE: application/json\r\n"
            "Connection: close\r\n"
            "Content-Length: 2\r\n"
            "\r\n"
            "{}");
}

TEST(AppendRefusalTest, LetsNoLineContradictTheLength) {
  std::string out;
  AppendRefusal(&out, 503, "Content-Length: 99\r\nTransfer-Encoding: chunked\r\nRetry-After: 1\r\n",
                "");
  EXPECT_EQ(out,
            "HTTP/1.1 503 Service Unavailable\r\n"
            "Retry-After: 1\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Connection: close\r\n"
            "Content-Length: 0\r\n"
            "\r\n");
}

TEST(ReasonPhraseTest, NamesTheStatus) {
  EXPECT_STREQ(ReasonPhrase(431), "Request Header Fields Too Large");
  EXPECT_STREQ(ReasonPhrase(426), "Upgrade Required");
  EXPECT_STREQ(ReasonPhrase(599), "Unknown");
}

TEST(IsSafeHeaderLinesTest, LetsNothingSlipIntoAResponse) {
  const std::string safe[] = {
      "", "A: b\r\n", "A:b\r\n", "A:\r\n", "A: b\r\nC: d\tgr\xFC\xDF\r\n",
  };
  const std::string unsafe[] = {
      "A: b",        "A: b\n",         "A: b\r",         "A: b\r\n\r\n", "\r\n",
      "A: b\r\nC",   "A: b\rC: d\r\n", "A: b\nC: d\r\n", "A: b\0\r\n"s,  "A b: c\r\n",
      ": c\r\n",     "A\r\n",          " A: b\r\n",      "A : b\r\n",    "A: b\r\n c\r\n",
      "A: \x7F\r\n", "A: \x1B[0m\r\n",
  };
  for (const std::string& lines : safe)
    EXPECT_TRUE(IsSafeHeaderLines(lines)) << testing::PrintToString(lines);
  for (const std::string& lines : unsafe)
    EXPECT_FALSE(IsSafeHeaderLines(lines)) << testing::PrintToString(lines);
}

TEST(NamesHeaderTest, LooksAtNamesOnly) {
  EXPECT_TRUE(NamesHeader("A: b\r\nSet-Cookie: c\r\n", "set-cookie"));
  EXPECT_FALSE(NamesHeader("A: set-cookie\r\nB: x:set-cookie:\r\n", "set-cookie"));
  EXPECT_FALSE(NamesHeader("", "a"));
}

}  // namespace
}  // namespace fanwire
