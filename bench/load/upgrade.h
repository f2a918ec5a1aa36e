// Upgrade: the text of the WebSocket upgrade, asked and answered (RFC 6455 section 4).
// Path:      connection -> [upgrade] -> request … server … response -> [upgrade]
// Threading: pure functions.
// Lifetime:  none.
//
// Every connection sends the sample key of RFC 6455 section 1.3. One key makes the answer a
// constant, which lets `fanwire-limit` answer without computing anything.
#ifndef FANWIRE_BENCH_LOAD_UPGRADE_H_
#define FANWIRE_BENCH_LOAD_UPGRADE_H_

#include <netinet/in.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace fanwire::bench {

// The whole request head, as a browser would send it, without extensions.
std::string UpgradeRequest(in_addr host, uint16_t port, const std::string& path);

// True for a 101 that carries the right Sec-WebSocket-Accept and no extension.
bool IsAccepted(std::string_view response_head);

}  // namespace fanwire::bench

#endif  // FANWIRE_BENCH_LOAD_UPGRADE_H_
