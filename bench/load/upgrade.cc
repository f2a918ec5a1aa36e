#include "upgrade.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace fanwire::bench {
namespace {

constexpr const char* kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = ": s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

bool ContainsIgnoringCase(std::string_view text, std::string_view lower) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
  return std::search(text.begin(), text.end(), lower.begin(), lower.end(), same) != text.end();
}

}  // namespace

std::string UpgradeRequest(in_addr host, uint16_t port, const std::string& path) {
  std::array<char, INET_ADDRSTRLEN> name{};
  inet_ntop(AF_INET, &host, name.data(), name.size());
  return "GET " + path + " HTTP/1.1\r\nHost: " + name.data() + ":" + std::to_string(port) +
         "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: " +
         kKey + "\r\nUser-Agent: fanwire-load\r\n\r\n";
}

bool IsAccepted(std::string_view response_head) {
  return response_head.starts_with("HTTP/1.1 101 ") &&
         response_head.find(kAccept) != std::string_view::npos &&
         !ContainsIgnoringCase(response_head, "sec-websocket-extensions:");
}

}  // namespace fanwire::bench
