#include "fleet.h"

#include <sys/resource.h>

#include "fail.h"
#include "upgrade.h"

namespace fanwire::bench {
namespace {

constexpr int64_t kWaitNs = 15'000'000'000;

void RaiseOpenFiles(size_t connections) {
  const rlim_t wanted = connections + 64;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  if (limit.rlim_max < wanted) limit.rlim_max = wanted;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    Fail("too few open files are allowed for this many connections: raise `ulimit -n`");
  }
}

}  // namespace

Fleet::Fleet(Loop* loop, const Options& options, Connection::Listener* listener, size_t size)
    : loop_(loop),
      options_(options),
      request_(UpgradeRequest(options.host, options.port, options.path)) {
  RaiseOpenFiles(size);
  connections_.reserve(size);
  for (size_t i = 0; i < size; ++i) {
    connections_.push_back(std::make_unique<Connection>(loop, listener, &request_, i));
  }
}

void Fleet::Open(Connection* connection) {
  const in_addr source{.s_addr = htonl(INADDR_LOOPBACK + opened_++ % options_.sources)};
  connection->Open(source, options_.host, options_.port);
}

void Fleet::OpenAll(size_t count) {
  const int64_t limit = NowNs() + kWaitNs;
  std::vector<Connection*> opening;
  for (size_t next = 0; next < count || !opening.empty();) {
    std::erase_if(opening, [](Connection* c) { return c->state() == Connection::State::kOpen; });
    while (next < count && opening.size() < options_.concurrency) {
      Connection& connection = at(next++);
      if (connection.state() != Connection::State::kClosed) continue;
      Open(&connection);
      opening.push_back(&connection);
    }
    if (NowNs() > limit) Fail("the connections did not open in 15 s");
    if (!opening.empty()) loop_->Step(limit);
  }
}

void Fleet::CloseAll() {
  const int64_t limit = NowNs() + kWaitNs;
  size_t next = 0;
  for (std::vector<Connection*> closing; next < size() || !closing.empty();) {
    std::erase_if(closing, [](Connection* c) { return c->state() == Connection::State::kClosed; });
    while (next < size() && closing.size() < options_.concurrency) {
      Connection& connection = at(next++);
      if (connection.state() != Connection::State::kOpen) continue;
      connection.Close();
      closing.push_back(&connection);
    }
    if (NowNs() > limit) Fail("the server did not finish the Close handshakes in 15 s");
    if (!closing.empty()) loop_->Step(limit);
  }
}

}  // namespace fanwire::bench
