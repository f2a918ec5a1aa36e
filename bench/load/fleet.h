// Fleet: the connections of a run: opened a bounded number at a time, closed all together.
// Path:      scenario -> [fleet] -> connections
// Threading: single-threaded program.
// Lifetime:  owns the connections; outlives no loop.
#ifndef FANWIRE_BENCH_LOAD_FLEET_H_
#define FANWIRE_BENCH_LOAD_FLEET_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "connection.h"
#include "loop.h"
#include "options.h"

namespace fanwire::bench {

class Fleet {
 public:
  Fleet(Loop* loop, const Options& options, Connection::Listener* listener, size_t size);

  // Opens the first `count` connections that are not open; returns when all are.
  void OpenAll(size_t count);
  // Closes every open connection with a Close handshake; returns when all are closed.
  void CloseAll();
  // Begins to open one.
  void Open(Connection* connection);

  Connection& at(size_t i) { return *connections_[i]; }
  size_t size() const { return connections_.size(); }

 private:
  Loop* const loop_;
  const Options& options_;
  const std::string request_;
  uint32_t opened_ = 0;  // chooses the source address
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace fanwire::bench

#endif  // FANWIRE_BENCH_LOAD_FLEET_H_
