#include "echo.h"

#include <algorithm>
#include <string>

#include "fail.h"
#include "fleet.h"

namespace fanwire::bench {

Echo::Echo(Loop* loop, const Options& options)
    : loop_(loop),
      options_(options),
      book_(options.bytes, options.text),
      window_(loop, options),
      clients_(options.clients) {
  for (Client& client : clients_) client.sent_ns.resize(options.outstanding);
}

void Echo::Run(Report* report) {
  Fleet fleet(loop_, options_, this, options_.clients);
  fleet.OpenAll(fleet.size());
  for (size_t i = 0; i < fleet.size(); ++i) {
    for (uint32_t n = 0; n < options_.outstanding; ++n) Send(fleet.at(i), NowNs());
    fleet.at(i).Flush();
  }
  window_.Run([](int64_t now_ns) { return now_ns + 1'000'000'000; });
  window_.WaitUntil(
      [&] {
        return std::all_of(clients_.begin(), clients_.end(),
                           [](const Client& c) { return c.sent == c.received; });
      },
      "for the last echoes");
  fleet.CloseAll();
  window_.Describe(report);
}

void Echo::Send(Connection& connection, int64_t now_ns) {
  Client& client = clients_[connection.number()];
  client.sent_ns[client.sent % options_.outstanding] = now_ns;
  book_.AppendMessage({connection.number(), client.sent++}, &connection.outbox());
}

void Echo::OnMessage(Connection& connection, std::string_view payload, bool text) {
  Client& client = clients_[connection.number()];
  const auto stamp = book_.Read(payload);
  if (!stamp || text != book_.text() || *stamp != Stamp{connection.number(), client.received}) {
    Fail("client " + std::to_string(connection.number()) + " did not get echo " +
         std::to_string(client.received) + " as it was sent");
  }
  const int64_t now = NowNs();
  window_.Count(now - client.sent_ns[client.received++ % options_.outstanding]);
  if (window_.sending()) Send(connection, now);
}

}  // namespace fanwire::bench
