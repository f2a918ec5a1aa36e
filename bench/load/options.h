// Options: what one run does; read from the command line and bounded before anything opens.
// Path:      command line -> [options] -> scenario
// Threading: single-threaded program; immutable once parsed.
// Lifetime:  outlives the scenario.
#ifndef FANWIRE_BENCH_LOAD_OPTIONS_H_
#define FANWIRE_BENCH_LOAD_OPTIONS_H_

#include <netinet/in.h>

#include <cstdint>
#include <string>

namespace fanwire::bench {

enum class Scenario { kEcho, kFanOut, kPing, kIdle, kHandshake, kChurn, kWatch };

struct Options {
  Scenario scenario = Scenario::kEcho;
  std::string scenario_name;

  // Where to. The address is always inside 127.0.0.0/8: this is no tool for other people's servers.
  in_addr host{};
  uint16_t port = 0;
  std::string path = "/echo";
  uint32_t sources = 1;  // source addresses 127.0.0.1 … 127.0.0.<sources>

  // How much.
  uint32_t clients = 100;
  uint32_t bytes = 64;         // of one message, its 12-byte stamp included
  uint32_t outstanding = 1;    // echo: messages under way per client
  uint32_t publishers = 1;     // fan-out: how many of the clients publish
  bool spread = false;         // fan-out: publishers sit evenly among the members, not behind them
  double rate_per_second = 0;  // fan-out: per publisher, ping: per client; 0 is closed loop
  uint32_t count = 0;          // handshake: connections, watch: messages
  uint32_t concurrency = 64;   // connections being opened at one time
  bool text = false;

  // How long.
  uint32_t warm_ms = 250;
  uint32_t measure_ms = 1000;
  uint32_t hold_ms = 500;      // idle: from the last open to the reading of the memory
  uint32_t limit_ms = 60'000;  // the run fails when it takes longer than this in all

  int server_pid = 0;  // 0: no CPU and memory figures of the server
};

// Ends the program with a usage message when an argument is unknown or out of bounds.
Options ParseOptions(int argc, char** argv);

}  // namespace fanwire::bench

#endif  // FANWIRE_BENCH_LOAD_OPTIONS_H_
