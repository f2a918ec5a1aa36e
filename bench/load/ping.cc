#include "ping.h"

#include <algorithm>
#include <limits>
#include <string>

#include "fail.h"
#include "message_book.h"

namespace fanwire::bench {

Ping::Ping(Loop* loop, const Options& options)
    : options_(options),
      window_(loop, options),
      clients_(options.clients),
      fleet_(loop, options, this, options.clients) {}

void Ping::Run(Report* report) {
  fleet_.OpenAll(fleet_.size());
  if (options_.rate_per_second == 0) {
    for (size_t i = 0; i < fleet_.size(); ++i) {
      Send(fleet_.at(i));
      fleet_.at(i).Flush();
    }
    window_.Run([](int64_t now_ns) { return now_ns + 1'000'000'000; });
  } else {
    const auto interval = static_cast<int64_t>(1e9 / options_.rate_per_second);
    for (size_t i = 0; i < clients_.size(); ++i) {
      clients_[i].due_ns = NowNs() + interval * static_cast<int64_t>(i) / options_.clients;
    }
    window_.Run([this](int64_t now_ns) { return PingWhoIsDue(now_ns); });
  }
  const auto all_back = [this] {
    return std::all_of(clients_.begin(), clients_.end(),
                       [](const Client& client) { return client.sent == client.received; });
  };
  window_.WaitUntil(all_back, "for the last pongs");
  fleet_.CloseAll();
  window_.Describe(report);
}

int64_t Ping::PingWhoIsDue(int64_t now_ns) {
  const auto interval = static_cast<int64_t>(1e9 / options_.rate_per_second);
  int64_t next = std::numeric_limits<int64_t>::max();
  for (size_t i = 0; i < clients_.size(); ++i) {
    Client& client = clients_[i];
    if (client.sent != client.received) continue;
    if (client.due_ns <= now_ns) {
      while (client.due_ns <= now_ns) client.due_ns += interval;
      Send(fleet_.at(i));
      fleet_.at(i).Flush();
    } else {
      next = std::min(next, client.due_ns);
    }
  }
  return next;
}

void Ping::Send(Connection& connection) {
  Client& client = clients_[connection.number()];
  client.sent_ns = NowNs();
  MessageBook::AppendPing({connection.number(), client.sent++}, &connection.outbox());
}

void Ping::OnPong(Connection& connection, std::string_view payload) {
  Client& client = clients_[connection.number()];
  if (MessageBook::ReadStamp(payload) != Stamp{connection.number(), client.received}) {
    Fail("client " + std::to_string(connection.number()) + " got a pong with another payload");
  }
  ++client.received;
  window_.Count(NowNs() - client.sent_ns);
  if (options_.rate_per_second == 0 && window_.sending()) Send(connection);
}

}  // namespace fanwire::bench
