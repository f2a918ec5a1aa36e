#include "fan_out.h"

#include <algorithm>
#include <limits>
#include <string>

#include "fail.h"

namespace fanwire::bench {
namespace {

constexpr uint64_t kTimesKept = 1 << 14;  // per publisher; a member further behind fails the run

}  // namespace

FanOut::FanOut(Loop* loop, const Options& options)
    : loop_(loop),
      options_(options),
      book_(options.bytes, options.text),
      window_(loop, options),
      order_(options.clients, options.publishers),
      publishers_(options.publishers),
      fleet_(loop, options, this, options.clients) {
  for (Publisher& publisher : publishers_) publisher.sent_ns.resize(kTimesKept);
}

void FanOut::Run(Report* report) {
  fleet_.OpenAll(fleet_.size());
  AwaitMembers();
  if (closed_loop()) {
    looping_ = true;
    for (size_t i = 0; i < publishers_.size(); ++i) Publish(i);
    window_.Run([](int64_t now_ns) { return now_ns + 1'000'000'000; });
  } else {
    const auto interval = static_cast<int64_t>(1e9 / options_.rate_per_second);
    for (size_t i = 0; i < publishers_.size(); ++i) {
      publishers_[i].due_ns = NowNs() + interval * static_cast<int64_t>(i) / options_.publishers;
    }
    window_.Run([this](int64_t now_ns) { return PublishWhatIsDue(now_ns); });
  }
  const auto all_back = [this] {
    return order_.complete() &&
           std::all_of(publishers_.begin(), publishers_.end(),
                       [](const Publisher& p) { return p.sent == p.received; });
  };
  window_.WaitUntil(all_back, "for the last copies to reach every member");
  fleet_.CloseAll();
  window_.Describe(report);
}

// A server may answer the upgrade before it has joined the member: one message after another, until
// one of them has reached everybody.
void FanOut::AwaitMembers() {
  Publisher& first = publishers_[0];
  for (int tries = 0; !order_.complete() || first.sent == 0; ++tries) {
    if (tries == 100) Fail("100 messages did not reach every member");
    Publish(0);
    const int64_t patience = NowNs() + 100'000'000;
    while ((first.received != first.sent || !order_.complete()) && NowNs() < patience) {
      loop_->Step(patience);
    }
  }
}

int64_t FanOut::PublishWhatIsDue(int64_t now_ns) {
  const auto interval = static_cast<int64_t>(1e9 / options_.rate_per_second);
  int64_t next = std::numeric_limits<int64_t>::max();
  for (size_t i = 0; i < publishers_.size(); ++i) {
    Publisher& publisher = publishers_[i];
    while (publisher.due_ns <= now_ns) {
      publisher.due_ns += interval;
      Publish(i);
    }
    next = std::min(next, publisher.due_ns);
  }
  return next;
}

Connection& FanOut::SeatOf(uint32_t publisher) {
  if (options_.spread) {
    return fleet_.at((2ull * publisher + 1) * options_.clients / (2ull * options_.publishers));
  }
  return fleet_.at(options_.clients - options_.publishers + publisher);
}

void FanOut::Publish(uint32_t number) {
  Publisher& publisher = publishers_[number];
  Connection& seat = SeatOf(number);
  publisher.sent_ns[publisher.sent % kTimesKept] = NowNs();
  book_.AppendMessage({number, publisher.sent++}, &seat.outbox());
  seat.Flush();
}

void FanOut::OnMessage(Connection& connection, std::string_view payload, bool text) {
  const auto stamp = book_.Read(payload);
  if (!stamp || text != book_.text()) {
    Fail("member " + std::to_string(connection.number()) + " got a message that nobody sent so");
  }
  order_.OnReceived(connection.number(), *stamp);
  Publisher& publisher = publishers_[stamp->publisher];
  if (publisher.sent - stamp->sequence > kTimesKept)
    Fail("a member is too far behind its publisher");
  window_.Count(NowNs() - publisher.sent_ns[stamp->sequence % kTimesKept]);
  if (&connection != &SeatOf(stamp->publisher)) return;
  ++publisher.received;
  if (looping_ && window_.sending()) Publish(stamp->publisher);
}

}  // namespace fanwire::bench
