#include "watch.h"

#include <cstdio>
#include <string>

#include "fail.h"
#include "fleet.h"

namespace fanwire::bench {

Watch::Watch(Loop* loop, const Options& options)
    : loop_(loop),
      options_(options),
      book_(options.bytes, options.text),
      window_(loop, options),
      order_(options.clients, 1) {}

void Watch::Run(Report* report) {
  Fleet fleet(loop_, options_, this, options_.clients);
  fleet.OpenAll(fleet.size());
  std::fputs("open\n", stderr);
  while (order_.size() < options_.count || !order_.complete()) loop_->Step(NowNs() + 100'000'000);
  fleet.CloseAll();
  report->Add("members", options_.clients);
  report->Add("messages", options_.count);
}

void Watch::OnMessage(Connection& connection, std::string_view payload, bool text) {
  const auto stamp = book_.Read(payload);
  if (!stamp || text != book_.text()) {
    Fail("member " + std::to_string(connection.number()) +
         " got a message that the server did not publish");
  }
  order_.OnReceived(connection.number(), *stamp);
}

}  // namespace fanwire::bench
