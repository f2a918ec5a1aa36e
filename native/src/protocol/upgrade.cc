#include "protocol/upgrade.h"

#include <openssl/evp.h>

#include <cassert>
#include <charconv>

namespace fanwire {
namespace {

constexpr std::string_view kAcceptGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::string_view kLineEnd = "\r\n";
constexpr size_t kKeySize = 24;

constexpr UpgradeCheck kGood = {101, "", ""};

constexpr UpgradeCheck BadRequest(std::string_view reason) { return {400, reason, ""}; }

bool IsBase64Character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/';
}

// Base64 of 16 bytes: 22 characters and two for padding.
bool IsKey(std::string_view key) {
  if (key.size() != kKeySize || key.substr(kKeySize - 2) != "==") return false;
  for (const char c : key.substr(0, kKeySize - 2)) {
    if (!IsBase64Character(c)) return false;
  }
  return true;
}

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// A field may be sent in several lines; they are one list.
bool FieldHasToken(const RequestHead& head, std::string_view lower_name,
                   std::string_view lower_token) {
  for (const HeaderField& field : head.fields) {
    if (EqualsIgnoreCase(field.name, lower_name) && HasToken(field.value, lower_token)) {
      return true;
    }
  }
  return false;
}

bool HasBody(const RequestHead& head) {
  for (const HeaderField& field : head.fields) {
    if (EqualsIgnoreCase(field.name, "transfer-encoding")) return true;
    if (EqualsIgnoreCase(field.name, "content-length") && field.value != "0") {
      return true;
    }
  }
  return false;
}

// Cuts the first line off, with its line end.
std::string_view TakeLine(std::string_view* lines) {
  const size_t end = lines->find(kLineEnd);
  const size_t size = end == std::string_view::npos ? lines->size() : end + 2;
  const std::string_view line = lines->substr(0, size);
  lines->remove_prefix(size);
  return line;
}

std::string_view NameOf(std::string_view line) { return line.substr(0, line.find(':')); }

void AppendNumber(std::string* out, size_t number) {
  char digits[20];
  const auto result = std::to_chars(digits, digits + sizeof digits, number);
  out->append(digits, result.ptr);
}

const EVP_MD* Sha1() {
  static EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  return sha1;
}

}  // namespace

UpgradeCheck CheckUpgrade(const RequestHead& head) {
  if (head.method != "GET") {
    return {405, "A WebSocket handshake is a GET request.", "Allow: GET\r\n"};
  }
  if (head.version != "HTTP/1.1") {
    return {505, "A WebSocket handshake needs HTTP/1.1.", ""};
  }
  if (!FieldHasToken(head, "upgrade", "websocket")) {
    return {426, "This address speaks WebSocket only.",
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"};
  }
  if (!FieldHasToken(head, "connection", "upgrade")) {
    return BadRequest("The Connection header does not name upgrade.");
  }
  if (head.Count("sec-websocket-version") != 1 || head.Find("sec-websocket-version") != "13") {
    return {426, "The WebSocket version must be 13.",
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\n"};
  }
  if (head.Count("sec-websocket-key") != 1 || !IsKey(head.Find("sec-websocket-key"))) {
    return BadRequest("One Sec-WebSocket-Key of 16 bytes in base64 is needed.");
  }
  if (head.Count("host") != 1 || head.Find("host").empty()) {
    return BadRequest("One Host header is needed.");
  }
  if (HasBody(head)) return BadRequest("A WebSocket handshake has no body.");
  return kGood;
}

bool HasToken(std::string_view list_value, std::string_view lower_token) {
  for (;;) {
    const size_t comma = list_value.find(',');
    if (EqualsIgnoreCase(Trim(list_value.substr(0, comma)), lower_token)) {
      return true;
    }
    if (comma == std::string_view::npos) return false;
    list_value.remove_prefix(comma + 1);
  }
}

std::array<char, 28> AcceptKey(std::string_view key) {
  std::string input;
  input.reserve(key.size() + kAcceptGuid.size());
  input.append(key).append(kAcceptGuid);
  unsigned char digest[EVP_MAX_MD_SIZE] = {};
  EVP_Digest(input.data(), input.size(), digest, nullptr, Sha1(), nullptr);
  unsigned char text[29];  // EncodeBlock ends it with a NUL
  EVP_EncodeBlock(text, digest, 20);
  std::array<char, 28> accept;
  for (size_t i = 0; i < accept.size(); ++i) {
    accept[i] = static_cast<char>(text[i]);
  }
  return accept;
}

void AppendSwitching(std::string* out, std::string_view key, std::string_view subprotocol,
                     std::string_view extra_header_lines) {
  assert(IsSafeHeaderLines(extra_header_lines));
  assert(subprotocol.empty() || IsToken(subprotocol));
  const std::array<char, 28> accept = AcceptKey(key);
  out->append(
      "HTTP/1.1 101 Switching Protocols\r\n"
      "Upgrade: websocket\r\n"
      "Connection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ");
  out->append(accept.data(), accept.size()).append(kLineEnd);
  if (!subprotocol.empty()) {
    out->append("Sec-WebSocket-Protocol: ").append(subprotocol).append(kLineEnd);
  }
  out->append(extra_header_lines).append(kLineEnd);
}

void AppendRefusal(std::string* out, uint16_t status, std::string_view header_lines,
                   std::string_view body) {
  assert(IsSafeHeaderLines(header_lines));
  out->append("HTTP/1.1 ");
  AppendNumber(out, status);
  out->append(" ").append(ReasonPhrase(status)).append(kLineEnd);
  bool names_type = false;
  while (!header_lines.empty()) {
    const std::string_view line = TakeLine(&header_lines);
    const std::string_view name = NameOf(line);
    if (EqualsIgnoreCase(name, "content-length")) continue;
    if (EqualsIgnoreCase(name, "transfer-encoding")) continue;
    names_type = names_type || EqualsIgnoreCase(name, "content-type");
    out->append(line);
  }
  if (!names_type) out->append("Content-Type: text/plain; charset=utf-8\r\n");
  out->append("Connection: close\r\nContent-Length: ");
  AppendNumber(out, body.size());
  out->append("\r\n\r\n").append(body);
}

bool IsSafeHeaderLines(std::string_view lines) {
  while (!lines.empty()) {
    std::string_view line = TakeLine(&lines);
    if (!line.ends_with(kLineEnd)) return false;
    line.remove_suffix(kLineEnd.size());
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    if (!IsToken(line.substr(0, colon))) return false;
    if (!IsFieldValue(line.substr(colon + 1))) return false;
  }
  return true;
}

bool NamesHeader(std::string_view lines, std::string_view lower_name) {
  while (!lines.empty()) {
    if (EqualsIgnoreCase(NameOf(TakeLine(&lines)), lower_name)) return true;
  }
  return false;
}

const char* ReasonPhrase(uint16_t status) {
  switch (status) {
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 407:
      return "Proxy Authentication Required";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 418:
      return "I'm a Teapot";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 425:
      return "Too Early";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 451:
      return "Unavailable For Legal Reasons";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 511:
      return "Network Authentication Required";
    default:
      return "Unknown";
  }
}

}  // namespace fanwire
