// fanwire-limit: the server that only sends. PORT in the environment; prints "ready <port>".
// Path:      environment -> [main] -> limit_server
// Threading: single-threaded program.
// Lifetime:  the process.
#include <cstdio>
#include <cstdlib>

#include "limit_server.h"

int main() {
  const char* port = std::getenv("PORT");
  fanwire::bench::LimitServer server(static_cast<uint16_t>(port ? std::atoi(port) : 0));
  std::printf("ready %u\n", server.port());
  std::fflush(stdout);
  server.Run();
}
