// upgrade: the opening handshake of RFC 6455 section 4 and its HTTP answers.
// Path:      connection -> http_head -> [upgrade] -> session
// Threading: pure functions; safe from any thread.
// Lifetime:  keeps nothing; the strings of an UpgradeCheck are static.
#ifndef FANWIRE_PROTOCOL_UPGRADE_H_
#define FANWIRE_PROTOCOL_UPGRADE_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/http_head.h"

namespace fanwire {

struct UpgradeCheck {
  uint16_t status;                // 101 if good
  std::string_view reason;        // one sentence, fit for the body
  std::string_view header_lines;  // for the refusal
};

// Everything that RFC 6455 asks of the head itself:
//   method not GET 405; version not HTTP/1.1 505; no websocket in Upgrade 426;
//   Sec-WebSocket-Version not 13 426; no upgrade in Connection, key missing,
//   repeated or malformed, Host missing or repeated, a body: 400.
UpgradeCheck CheckUpgrade(const RequestHead& head);

// Whether a comma-separated list has that token, in any case; linear time.
// REQUIRES: `lower_token` is in lower case.
bool HasToken(std::string_view list_value, std::string_view lower_token);

// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::array<char, 28> AcceptKey(std::string_view key);

// Appends the whole 101. No Sec-WebSocket-Protocol if `subprotocol` is empty.
// REQUIRES: IsSafeHeaderLines(extra_header_lines); `subprotocol` is empty or
// a token.
void AppendSwitching(std::string* out, std::string_view key, std::string_view subprotocol,
                     std::string_view extra_header_lines);

// Appends a whole response that ends the connection, with Connection: close,
// Content-Length, and Content-Type text/plain unless `header_lines` names one.
// Lines in it that would contradict the length are left out.
// REQUIRES: IsSafeHeaderLines(header_lines); 200 <= status <= 599.
void AppendRefusal(std::string* out, uint16_t status, std::string_view header_lines,
                   std::string_view body);

// "Not Found" and so on; "Unknown" for what RFC 9110 does not name.
const char* ReasonPhrase(uint16_t status);

// Whether every line is "token: value\r\n" with no control character inside:
// the guard against header injection. True for an empty string.
bool IsSafeHeaderLines(std::string_view lines);

// Whether one of the lines has that field name, in any case.
// REQUIRES: IsSafeHeaderLines(lines); `lower_name` is in lower case.
bool NamesHeader(std::string_view lines, std::string_view lower_name);

}  // namespace fanwire

#endif  // FANWIRE_PROTOCOL_UPGRADE_H_
