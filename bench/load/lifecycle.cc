#include "lifecycle.h"

#include <algorithm>
#include <string>

#include "fail.h"

namespace fanwire::bench {
namespace {

size_t FleetSize(const Options& options) {
  switch (options.scenario) {
    case Scenario::kHandshake:
      return std::max(options.count, options.concurrency);
    case Scenario::kChurn:
      return options.concurrency;
    default:
      return std::max(options.clients, options.concurrency);
  }
}

void Rest(Loop* loop, uint32_t ms) {
  for (const int64_t end = NowNs() + ms * 1'000'000ll; NowNs() < end;) loop->Step(end);
}

}  // namespace

Lifecycle::Lifecycle(Loop* loop, const Options& options)
    : loop_(loop),
      options_(options),
      book_(options.bytes, options.text),
      window_(loop, options),
      echoes_(FleetSize(options)),
      fleet_(loop, options, this, FleetSize(options)) {}

void Lifecycle::RunIdle(Report* report) {
  WarmUp(200);
  Rest(loop_, options_.hold_ms);
  const int64_t before = window_.server().ResidentBytes();
  keeping_ = true;
  fleet_.OpenAll(options_.clients);
  Rest(loop_, options_.hold_ms);
  const int64_t after = window_.server().ResidentBytes();
  const double grown = static_cast<double>(after - before) / 1024;
  fleet_.CloseAll();
  report->Add("connections", options_.clients);
  report->Add("residentKib", static_cast<double>(after) / 1024);
  report->Add("kibPerConnection", grown / options_.clients);
}

void Lifecycle::RunHandshake(Report* report) {
  WarmUp(2000);
  keeping_ = true;
  window_.Begin();
  fleet_.OpenAll(fleet_.size());
  window_.End();
  fleet_.CloseAll();
  window_.Describe(report);
}

void Lifecycle::RunChurn(Report* report) {
  WarmUp(2000);
  StartChurning();
  window_.Run([](int64_t now_ns) { return now_ns + 1'000'000'000; });
  StopChurning();
  window_.Describe(report);
}

void Lifecycle::WarmUp(uint64_t count) {
  StartChurning();
  window_.WaitUntil([&] { return closed_ >= count; }, "for the warm-up");
  StopChurning();
}

void Lifecycle::StartChurning() {
  churning_ = true;
  for (size_t i = 0; i < options_.concurrency; ++i) fleet_.Open(&fleet_.at(i));
}

void Lifecycle::StopChurning() {
  churning_ = false;
  const auto all_closed = [this] {
    for (size_t i = 0; i < options_.concurrency; ++i) {
      if (fleet_.at(i).state() != Connection::State::kClosed) return false;
    }
    return true;
  };
  window_.WaitUntil(all_closed, "for the last Close handshakes");
}

void Lifecycle::OnOpen(Connection& connection) {
  if (keeping_) return window_.Count(NowNs() - connection.opened_ns());
  const uint32_t number = connection.number();
  book_.AppendMessage({number, echoes_[number]}, &connection.outbox());
  connection.Flush();
}

void Lifecycle::OnMessage(Connection& connection, std::string_view payload, bool text) {
  const uint32_t number = connection.number();
  if (book_.Read(payload) != Stamp{number, echoes_[number]} || text != book_.text()) {
    Fail("connection " + std::to_string(number) + " did not get its echo as it was sent");
  }
  ++echoes_[number];
  connection.Close();
}

void Lifecycle::OnClosed(Connection& connection) {
  ++closed_;
  if (!churning_) return;
  window_.Count(NowNs() - connection.opened_ns());
  fleet_.Open(&connection);
}

}  // namespace fanwire::bench
