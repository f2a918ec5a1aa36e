#include "net/handshake.h"

#include <cstring>
#include <utility>

#include "net/connection.h"
#include "net/reactor.h"
#include "protocol/upgrade.h"

namespace fanwire {
namespace {

// How long a refused client may take to read its refusal.
constexpr int64_t kLingerMs = 2'000;

std::string_view View(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

Handshake::Handshake(Connection& connection, const PeerAddress& peer, int32_t endpoint,
                     uint32_t token)
    : connection_(connection),
      reactor_(connection.reactor()),
      peer_(peer),
      forced_endpoint_(endpoint),
      token_(token),
      timer_(this) {
  Hub& hub = reactor_.hub();
  hub.timers().Set(timer_, hub.now_ms() + hub.options().handshake_timeout_ms);
}

Handshake::~Handshake() = default;

void Handshake::OnBytes(uint8_t* data, size_t size) {
  if (phase_ == Phase::kAnswered) return;
  if (phase_ == Phase::kVerdict) return buffer_.Append(data, size);
  const bool whole =
      buffer_.empty();  // usually the head comes in one piece and is read where it lies
  if (!whole) {
    buffer_.Append(data, size);
    data = buffer_.data();
    size = buffer_.size();
  }
  RequestHead& head = reactor_.scratch_head();
  switch (ParseRequestHead(View(data, size), reactor_.hub().options().max_header_bytes, kMaxFields,
                           &head, &scanner_)) {
    case HeadStatus::kNeedMore:
      if (whole) buffer_.Append(data, size);
      return;
    case HeadStatus::kDone:
      return OnHead(head, View(data, head.size), data + head.size, size - head.size);
    case HeadStatus::kBad:
      return Refuse(400, "", "the request is malformed");
    case HeadStatus::kTooLarge:
      return Refuse(431, "", "the request's headers are too large");
    case HeadStatus::kBadVersion:
      return Refuse(505, "", "HTTP/1.1 is spoken here");
  }
}

void Handshake::OnHead(const RequestHead& head, std::string_view head_bytes, uint8_t* rest,
                       size_t rest_size) {
  const UpgradeCheck check = CheckUpgrade(head);
  if (check.status != 101) return Refuse(check.status, check.header_lines, check.reason);
  if (reactor_.shutting_down()) return Refuse(503, "", "the server is shutting down");
  if (reactor_.IsFull()) return Refuse(503, "Retry-After: 1\r\n", "too many connections");
  const RouteTable& routes = reactor_.routes();
  if (forced_endpoint_ < 0) {
    endpoint_ = routes.Find(head.path(), &params_);
  } else {
    endpoint_ = routes.At(size_t(forced_endpoint_));
    if (endpoint_ != nullptr && !endpoint_->pattern.Match(head.path(), &params_))
      endpoint_ = nullptr;
  }
  if (endpoint_ == nullptr) return Refuse(404, "", "no such endpoint");
  if (endpoint_->options.told() && reactor_.hub().Overloaded()) {
    return Refuse(503, "Retry-After: 1\r\n", "the application does not keep up");
  }
  key_ = head.Find("sec-websocket-key");
  if (!Allocate(head_bytes)) return Refuse(503, "Retry-After: 1\r\n", "too many connections");
  if (!endpoint_->options.authenticate) return Switch("", rest, rest_size);
  ByteBuffer after;
  after.Append(rest, rest_size);
  buffer_.Swap(after);
  AskApplication();
}

// A session id, and the record that other threads may read.
bool Handshake::Allocate(std::string_view head_bytes) {
  SessionTable& table = reactor_.table();
  id_ = table.Allocate();
  if (!id_) return false;
  connection_.Admit(true);
  SessionRecord& record = *table.At(id_.index());
  std::lock_guard<std::mutex> lock(table.mutex(id_.index()));
  head_bytes.remove_suffix(2);  // the empty line
  record.head = SharedBytes::Copy(head_bytes);
  record.peer = peer_;
  record.endpoint = endpoint_->index;
  record.high_water_mark = endpoint_->options.high_water_mark_bytes;
  return true;
}

void Handshake::AskApplication() {
  phase_ = Phase::kVerdict;
  connection_.SetReading(false);  // what the client sends early stays with the kernel
  Hub& hub = reactor_.hub();
  hub.timers().Clear(timer_);  // the application watches over its own time
  uint8_t* token =
      hub.events().Append(id_, EventKind::kAuthenticate, 0, endpoint_->index, sizeof token_);
  memcpy(token, &token_, sizeof token_);
  reactor_.AddPending(id_, connection_);
}

void Handshake::Accept(std::string_view header_lines) {
  connection_.SetReading(true);
  if (reactor_.shutting_down()) {
    GiveUp();
    return Refuse(503, "", "the server is shutting down");
  }
  reactor_.RemovePending(id_);
  ByteBuffer early;
  early.Swap(buffer_);
  Switch(header_lines, early.data(), early.size());
}

void Handshake::Switch(std::string_view header_lines, uint8_t* rest, size_t rest_size) {
  Hub& hub = reactor_.hub();
  hub.timers().Clear(timer_);
  phase_ = Phase::kAnswered;
  // In its room before the client knows that it is in: it misses nothing of what is published once
  // it has its 101. The session writes at the end of the round at the earliest.
  Session& session = hub.Open(std::exchange(id_, {}), connection_, *endpoint_, params_, token_);
  connection_.Become(session);
  std::string& response = reactor_.scratch_text();
  response.clear();
  AppendSwitching(&response, key_, "", header_lines);
  const ssize_t n =
      connection_.TryWrite(reinterpret_cast<const uint8_t*>(response.data()), response.size());
  if (n != ssize_t(response.size())) {  // nothing was sent on this socket before: it is dead
    return session.Terminate(CloseCause::kTransportLost);
  }
  hub.counters().bytes_out.Add(response.size());
  if (rest_size != 0) session.OnBytes(rest, rest_size);
}

void Handshake::Refuse(uint16_t status, std::string_view header_lines, std::string_view body) {
  if (phase_ == Phase::kVerdict) {
    reactor_.RemovePending(id_);
    connection_.SetReading(true);
  }
  if (id_) FreeId();
  phase_ = Phase::kAnswered;
  Hub& hub = reactor_.hub();
  hub.counters().refused.Add();
  std::string& response = reactor_.scratch_text();
  response.clear();
  AppendRefusal(&response, status, header_lines, body);
  const ssize_t n =
      connection_.TryWrite(reinterpret_cast<const uint8_t*>(response.data()), response.size());
  if (n != ssize_t(response.size())) return connection_.Close();
  hub.counters().bytes_out.Add(response.size());
  // A close now, with unread bytes, would reset the connection and take the response with it.
  connection_.ShutdownWrite();
  hub.timers().Set(timer_, hub.now_ms() + kLingerMs);
}

// No session comes of it. A user may have been joined in advance.
void Handshake::FreeId() {
  connection_.Admit(false);
  reactor_.hub().directory().LeaveAll(id_);
  reactor_.table().Free(std::exchange(id_, {}));
}

void Handshake::OnHangup() {
  reactor_.hub().timers().Clear(timer_);
  GiveUp();
  connection_.Close();
}

// If the application was asked, it is told that no session comes of it, and frees the id when it
// has seen that.
void Handshake::GiveUp() {
  if (phase_ != Phase::kVerdict) return;
  phase_ = Phase::kAnswered;
  reactor_.RemovePending(id_);
  reactor_.hub().directory().LeaveAll(id_);
  reactor_.table().At(id_.index())->Advance(id_.generation, SessionState::kClosed);
  reactor_.hub().NoteEnded(id_);
  reactor_.hub().events().Append(std::exchange(id_, {}), EventKind::kAbort, 0, endpoint_->index, 0);
}

void Handshake::OnTimer() {
  if (phase_ == Phase::kAnswered) return connection_.Close();
  if (!buffer_.empty()) return Refuse(408, "", "the request was not completed in time");
  connection_.Close();  // it never said anything
}

}  // namespace fanwire
