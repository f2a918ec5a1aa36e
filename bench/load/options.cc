#include "options.h"

#include <arpa/inet.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string_view>

#include "fail.h"
#include "message_book.h"

namespace fanwire::bench {
namespace {

constexpr const char* kUsage =
    "usage: fanwire-load <scenario> --port N [options]      (loopback only)\n"
    "  echo       --clients --bytes --outstanding            each client has its messages sent "
    "back\n"
    "  fanout     --clients --publishers --bytes [--rate] [--spread]   publishers write to the "
    "room of all clients\n"
    "  ping       --clients [--rate]                         control pings and their pongs\n"
    "  idle       --clients --hold-ms                        memory of open, silent connections\n"
    "  handshake  --count --concurrency                      opens connections and keeps them\n"
    "  churn      --concurrency                              connect, one echo, Close handshake, "
    "again\n"
    "  watch      --clients --count --bytes                  receives what the server itself "
    "publishes\n"
    "common: --host 127.x.y.z --path /p --sources N --text --warm-ms --measure-ms --limit-ms\n"
    "        --server-pid N (adds the server's CPU and memory)   rates are per second and sender\n";

uint64_t ParseNumber(std::string_view name, const std::string& text, uint64_t low, uint64_t high) {
  char* end = nullptr;
  const uint64_t value = std::strtoull(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || text[0] == '-' || value < low || value > high) {
    Fail(std::string(name) + " must be between " + std::to_string(low) + " and " +
         std::to_string(high));
  }
  return value;
}

in_addr ParseLoopback(const std::string& text) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1 || (ntohl(address.s_addr) >> 24) != 127) {
    Fail("--host must be an address in 127.0.0.0/8");
  }
  return address;
}

Scenario ParseScenario(const std::string& name) {
  static const std::map<std::string, Scenario> kNames = {
      {"echo", Scenario::kEcho},  {"fanout", Scenario::kFanOut},       {"ping", Scenario::kPing},
      {"idle", Scenario::kIdle},  {"handshake", Scenario::kHandshake}, {"churn", Scenario::kChurn},
      {"watch", Scenario::kWatch}};
  const auto found = kNames.find(name);
  if (found == kNames.end()) Fail("unknown scenario '" + name + "'\n" + kUsage);
  return found->second;
}

}  // namespace

Options ParseOptions(int argc, char** argv) {
  if (argc < 2) Fail(std::string("no scenario\n") + kUsage);
  Options options;
  options.scenario_name = argv[1];
  options.scenario = ParseScenario(options.scenario_name);
  options.host.s_addr = htonl(INADDR_LOOPBACK);

  for (int i = 2; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--text") {
      options.text = true;
      continue;
    }
    if (name == "--spread") {
      options.spread = true;
      continue;
    }
    if (i + 1 == argc) Fail("no value for '" + name + "'\n" + kUsage);
    const std::string value = argv[++i];
    const auto number = [&](uint64_t low, uint64_t high) {
      return static_cast<uint32_t>(ParseNumber(name, value, low, high));
    };
    if (name == "--host")
      options.host = ParseLoopback(value);
    else if (name == "--port")
      options.port = static_cast<uint16_t>(number(1, 65'535));
    else if (name == "--path")
      options.path = value;
    else if (name == "--sources")
      options.sources = number(1, 250);
    else if (name == "--clients")
      options.clients = number(1, 200'000);
    else if (name == "--bytes")
      options.bytes = number(MessageBook::kStampBytes, 1 << 20);
    else if (name == "--outstanding")
      options.outstanding = number(1, 1024);
    else if (name == "--publishers")
      options.publishers = number(1, 1024);
    else if (name == "--rate")
      options.rate_per_second = number(1, 1'000'000);
    else if (name == "--count")
      options.count = number(1, 10'000'000);
    else if (name == "--concurrency")
      options.concurrency = number(1, 4096);
    else if (name == "--warm-ms")
      options.warm_ms = number(0, 60'000);
    else if (name == "--measure-ms")
      options.measure_ms = number(1, 600'000);
    else if (name == "--hold-ms")
      options.hold_ms = number(0, 600'000);
    else if (name == "--limit-ms")
      options.limit_ms = number(1, 3'600'000);
    else if (name == "--server-pid")
      options.server_pid = static_cast<int>(number(1, 1 << 30));
    else
      Fail("unknown option '" + name + "'\n" + kUsage);
  }
  if (options.port == 0) Fail("--port is missing");
  if (options.scenario == Scenario::kIdle && options.server_pid == 0) {
    Fail("idle reads the server's memory: --server-pid is missing");
  }
  if (options.publishers > options.clients) Fail("--publishers is more than --clients");
  if (options.path.empty() || options.path[0] != '/') Fail("--path must begin with '/'");
  return options;
}

}  // namespace fanwire::bench
