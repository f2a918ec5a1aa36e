// MemoryEngine: hubs, a directory and clients without loops, sockets or threads.
// Path:      test -> [memory_engine] -> sessions; what a client would read is MemoryStream::sent
// Threading: one thread.
// Lifetime:  clients live as long as the engine.
#ifndef FANWIRE_TEST_MEMORY_ENGINE_H_
#define FANWIRE_TEST_MEMORY_ENGINE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/hub.h"
#include "test/native/protocol/client_frames.h"

namespace fanwire::test {

// A transport that takes `room` bytes and then no more.
class MemoryStream final : public Stream {
 public:
  static constexpr size_t kEndless = SIZE_MAX;

  ssize_t TryWrite(const uint8_t* data, size_t size) override {
    EXPECT_FALSE(closed) << "a write after Close()";
    EXPECT_FALSE(write_ended) << "a write after ShutdownWrite()";
    EXPECT_GT(size, 0u) << "a write of nothing";
    writes++;
    if (dead) return -1;
    const size_t taken = std::min(size, room);
    if (room != kEndless) room -= taken;
    sent.append(reinterpret_cast<const char*>(data), taken);
    return ssize_t(taken);
  }
  void RequestWritable() override { wants_writable = true; }
  void SetReading(bool on) override { reading = on; }
  void ShutdownWrite() override { write_ended = true; }
  void Close() override {
    EXPECT_FALSE(closed) << "closed twice";
    closed = true;
  }

  size_t room = kEndless;
  bool dead = false;
  std::string sent;
  int writes = 0;
  bool wants_writable = false, reading = true, write_ended = false, closed = false;
};

struct MemoryClient {
  std::string TakeSent() { return std::exchange(stream.sent, {}); }

  MemoryStream stream;
  SessionId id;
};

// An unmasked frame of ours.
inline std::string ServerFrame(uint8_t first_byte, std::string_view payload) {
  uint8_t header[kMaxServerHeader];
  const size_t size = PutFrameHeader(header, Opcode(first_byte & 0xF), payload.size());
  header[0] = first_byte;
  return std::string(header, header + size) + std::string(payload);
}
inline std::string ServerText(std::string_view payload) { return ServerFrame(0x81, payload); }

class MemoryEngine {
 public:
  explicit MemoryEngine(const EngineOptions& options = {}, size_t reactors = 1)
      : options_(options) {
    std::vector<SessionTable*> tables;
    std::vector<ReactorMailbox*> mailboxes;
    for (size_t i = 0; i < reactors; i++) {
      reactors_.push_back(std::make_unique<Reactor>(uint32_t(i), options_));
      tables.push_back(&reactors_.back()->table);
      mailboxes.push_back(&reactors_.back()->mailbox);
    }
    directory_ =
        std::make_unique<ChannelDirectory>(tables, mailboxes, options_.max_rooms_per_session);
    for (auto& r : reactors_) {
      r->hub = std::make_unique<Hub>(options_, clock_, r->table, *directory_, r->events,
                                     incomplete_bytes_);
    }
    BeginRound();
  }

  // ---- doors ----

  const Endpoint& AddEndpoint(EndpointOptions options) {
    if (options.pattern.empty()) options.pattern = "/";
    std::shared_ptr<const Endpoint> endpoint;
    const Status status =
        Endpoint::Make(uint16_t(endpoints_.size()), std::move(options), &endpoint);
    EXPECT_TRUE(status.ok()) << status.message();
    endpoints_.push_back(endpoint);
    return *endpoint;
  }
  // Accepted; the round goes on.
  MemoryClient& Connect(const Endpoint& endpoint, std::string_view path = "/", uint32_t reactor = 0,
                        uint8_t last_of_ip = 1) {
    Reactor& r = *reactors_[reactor];
    MemoryClient& client = clients_.emplace_back();
    client.id = r.table.Allocate();
    SessionRecord& record = *r.table.At(client.id.index());
    record.high_water_mark = endpoint.options.high_water_mark_bytes;
    record.endpoint = endpoint.index;
    record.peer.family = PeerAddress::Family::kIpv4;
    record.peer.ip = {192, 0, 2, last_of_ip};
    PathParams params;
    EXPECT_TRUE(endpoint.pattern.Match(path, &params)) << path;
    r.hub->Open(client.id, client.stream, endpoint, params, 0);
    return client;
  }

  // ---- the loop ----

  void BeginRound() {
    for (auto& r : reactors_) r->hub->BeginRound();
  }
  // Mail, then one write for each session; then the next round begins.
  void Round() {
    for (auto& r : reactors_) {
      while (r->mailbox.has_mail()) {
        r->taken.emplace_back();
        r->mailbox.Take(r->taken.back());
        Batch& batch = r->taken.back();
        for (Command& command : batch.commands) r->hub->Execute(command, batch.bytes);
        if (r->mailbox.TakeRefused()) r->writable++;
      }
    }
    for (auto& r : reactors_) {
      r->hub->EndRound();
      r->taken.clear();
    }
    BeginRound();
  }
  void Advance(int64_t ms) {  // in steps, as a loop that wakes for its timers
    for (; ms > 0; ms -= 16) {
      clock_.Advance(std::min<int64_t>(ms, 16));
      BeginRound();
      Round();
    }
  }
  Session* Find(const MemoryClient& client) { return hub(client.id.reactor()).Find(client.id); }

  // ---- a client ----

  // Bytes off the wire, no round after them.
  void Receive(MemoryClient& client, const Bytes& wire) {
    Session* session = Find(client);
    if (client.stream.closed || session == nullptr) return;
    Bytes copy = wire;  // of its own size, for AddressSanitizer
    session->OnBytes(copy.data(), copy.size());
  }
  void MakeWritable(MemoryClient& client, size_t room) {
    client.stream.room = room;
    if (client.stream.closed || !std::exchange(client.stream.wants_writable, false)) return;
    if (Session* session = Find(client)) session->OnWritable();
  }
  // The stream has ended: the client went, or the network.
  void Lose(MemoryClient& client, int error_number = 0) {
    Session* session = Find(client);
    if (client.stream.closed || session == nullptr) return;
    client.stream.closed = true;
    session->OnStreamClosed(error_number);
  }

  // ---- the application ----

  // As the engine does: counted when posted, copied into the batch.
  SendResult Send(const MemoryClient& client, std::string_view text) {
    const std::string frame = ServerText(text);
    SessionRecord& record = RecordOf(client);
    const int64_t buffered = record.TryAddBuffered(client.id.generation, uint32_t(frame.size()));
    if (buffered < 0) return SendResult::kGone;
    mailbox(client.id.reactor()).PostWith(frame.size(), [&](Batch& batch) {
      const size_t from = batch.bytes.size();
      batch.bytes.Append(frame.data(), frame.size());
      batch.EndSend(client.id, from);
    });
    return Answer(client, buffered);
  }
  SendResult Send(const MemoryClient& client, const Message& message) {
    SessionRecord& record = RecordOf(client);
    const int64_t buffered =
        record.TryAddBuffered(client.id.generation, uint32_t(message.frame.size()));
    if (buffered < 0) return SendResult::kGone;
    mailbox(client.id.reactor()).PostWith(message.frame.size(), [&](Batch& batch) {
      batch.Add(CommandKind::kSendMessage, client.id).message = message;
      batch.shared_bytes += message.frame.size();
    });
    return Answer(client, buffered);
  }
  static Message Text(std::string_view text, std::string_view key = "", bool is_volatile = false) {
    Message message =
        Message::Frame(Opcode::kText, reinterpret_cast<const uint8_t*>(text.data()), text.size());
    if (!key.empty()) message.key = SharedBytes::Copy(key);
    message.is_volatile = is_volatile;
    return message;
  }
  SendResult Publish(std::string_view room, std::string_view text,
                     const std::vector<SessionId>& except = {}) {
    return Publish(room, Text(text), except);
  }
  SendResult Publish(std::string_view room, const Message& message,
                     const std::vector<SessionId>& except = {}) {
    return directory_->Publish(ChannelKind::kRoom, room, message, except, &posted_);
  }
  SendResult Broadcast(std::string_view text, const std::vector<SessionId>& except = {}) {
    return directory_->Broadcast(Text(text), except, &posted_);
  }
  JoinResult Join(const MemoryClient& client, std::string_view room) {
    return directory_->Join(client.id, ChannelKind::kRoom, room, &posted_);
  }
  bool Leave(const MemoryClient& client, std::string_view room) {
    return directory_->Leave(client.id, ChannelKind::kRoom, room, &posted_);
  }
  void Close(const MemoryClient& client, uint16_t code, std::string_view reason = "",
             CloseCause cause = CloseCause::kApplication) {
    RecordOf(client).Advance(client.id.generation, SessionState::kClosing);
    mailbox(client.id.reactor()).PostWith(0, [&](Batch& batch) {
      Command& command = batch.Add(CommandKind::kClose, client.id);
      command.code = code;
      command.cause = cause;
      command.rare = std::make_unique<RareFields>();
      command.rare->text = reason;
    });
  }
  void Post(const MemoryClient& client, CommandKind kind) {
    mailbox(client.id.reactor()).PostWith(0, [&](Batch& batch) { batch.Add(kind, client.id); });
  }
  // A handler settled.
  void Settle(const MemoryClient& client, uint32_t bytes) {
    const bool waits = bytes == kSettleOpen ? RecordOf(client).Settle(kCreditMessages, 0)
                                            : RecordOf(client).Settle(1, bytes);
    if (waits) Post(client, CommandKind::kResume);
  }

  // What JavaScript is told of one reactor, in words: "open", "text hello",
  // "close 1000 peer clean 'bye'" ... Handlers do not settle by themselves.
  std::vector<std::string> TakeEvents(uint32_t reactor = 0) {
    std::vector<std::string> told;
    for (auto& [id, event] : TakeEventsOf(reactor)) told.push_back(std::move(event));
    return told;
  }
  // The same with whom each is about.
  std::vector<std::pair<SessionId, std::string>> TakeEventsOf(uint32_t reactor) {
    std::vector<std::pair<SessionId, std::string>> told;
    EventQueue& events = reactors_[reactor]->events;
    events.Commit();
    std::vector<SlabRange> ranges;
    events.Take(ranges);
    for (const SlabRange& range : ranges) {
      for (uint32_t at = range.from; at < range.to;) {
        uint32_t word[4];
        memcpy(word, range.slab->data + at, sizeof word);
        const auto* payload = reinterpret_cast<const char*>(range.slab->data + at + kRecordHeader);
        told.emplace_back(SessionId{word[0], word[1]}, InWords(word, {payload, word[3]}));
        at += RecordSize(word[3]);
      }
      if (range.retired) events.Retire(range.slab);
    }
    return told;
  }

  Hub& hub(uint32_t reactor = 0) { return *reactors_[reactor]->hub; }
  ReactorMailbox& mailbox(uint32_t reactor = 0) { return reactors_[reactor]->mailbox; }
  SessionTable& table(uint32_t reactor = 0) { return reactors_[reactor]->table; }
  Counters& counters(uint32_t reactor = 0) { return hub(reactor).counters(); }
  ChannelDirectory& directory() { return *directory_; }
  ManualClock& clock() { return clock_; }
  uint64_t incomplete_bytes() const { return incomplete_bytes_.total(); }
  int writables(uint32_t reactor = 0) const { return reactors_[reactor]->writable; }
  SessionRecord& RecordOf(const MemoryClient& client) {
    return *reactors_[client.id.reactor()]->table.At(client.id.index());
  }
  SessionState StateOf(const MemoryClient& client) {
    return RecordOf(client).StateOf(client.id.generation);
  }
  uint32_t BufferedOf(const MemoryClient& client) {
    return RecordOf(client).BufferedOf(client.id.generation);
  }

 private:
  struct Reactor {
    Reactor(uint32_t index, const EngineOptions& options)
        : mailbox(options.max_mailbox_bytes), table(index) {}
    ReactorMailbox mailbox;
    SessionTable table;
    EventQueue events;
    std::deque<Batch> taken;
    int writable = 0;
    std::unique_ptr<Hub> hub;
  };

  SendResult Answer(const MemoryClient& client, int64_t buffered) {
    const uint32_t mark = RecordOf(client).high_water_mark;
    if (buffered <= mark) return SendResult::kQueued;
    return RecordOf(client).OweDrain(client.id.generation, mark / 2) ? SendResult::kQueuedHigh
                                                                     : SendResult::kQueued;
  }

  static std::string InWords(const uint32_t* word, std::string_view payload) {
    static const char* const kCauses[] = {
        "peer",         "application",     "protocol error", "too big",         "bad utf-8",
        "pong timeout", "slow client",     "send timeout",   "shutdown",        "lost",
        "handler",      "handler timeout", "handshake",      "message timeout", "incomplete"};
    const std::string text(payload);
    switch (EventKind(word[2] & 0xFF)) {
      case EventKind::kOpen:
        return "open";
      case EventKind::kMessage:
        return ((word[2] >> 8 & 0x7F) == 1 ? "text " : "binary ") + text;
      case EventKind::kClose: {
        uint16_t code;
        memcpy(&code, payload.data(), 2);
        std::string words = "close " + std::to_string(code) + " " + kCauses[uint8_t(payload[2])];
        if (payload[3] != 0) words += " clean";
        return payload.size() > 4 ? words + " '" + text.substr(4) + "'" : words;
      }
      case EventKind::kDrain:
        return "drain";
      case EventKind::kError:
        return "error " + text.substr(0, text.find(' '));
      default:
        return "event " + std::to_string(word[2] & 0xFF);
    }
  }

  const EngineOptions options_;
  ManualClock clock_;
  IncompleteBytes incomplete_bytes_;
  std::deque<MemoryClient> clients_;  // outlive the sessions on them
  std::vector<std::shared_ptr<const Endpoint>> endpoints_;
  std::vector<std::unique_ptr<Reactor>> reactors_;
  std::unique_ptr<ChannelDirectory> directory_;
  ReactorSet posted_ = 0;
};

}  // namespace fanwire::test

#endif  // FANWIRE_TEST_MEMORY_ENGINE_H_
