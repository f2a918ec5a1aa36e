#include "fanwire/engine.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <map>

#include "engine/outgoing.h"
#include "net/reactor_group.h"
#include "protocol/upgrade.h"

namespace fanwire {
namespace {

EngineStats::Counts CountsOf(const Counters& counters) {
  return {
#define FANWIRE_COUNT(member, name) {name, counters.member.value()},
      FANWIRE_COUNTERS(FANWIRE_COUNT)
#undef FANWIRE_COUNT
  };
}

}  // namespace

struct Engine::Impl {
  Impl(const EngineOptions& options, std::function<void()> ring)
      : group(options, std::move(ring)), routes(std::make_shared<RouteTable>()), outgoing(group) {}

  ReactorGroup group;
  std::shared_ptr<const RouteTable> routes;
  Outgoing outgoing;
  std::map<uint32_t, std::shared_ptr<Listener>> listeners;
  uint32_t last_listener = 0, last_token = 0;
  bool closing = false;  // no door opens any more
  bool stopped = false;
  bool all_left = false, told_stopped = false;
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() { Stop(); }

Status Engine::Create(const EngineOptions& options, std::function<void()> ring,
                      std::unique_ptr<Engine>* out) {
  if (options.threads == 0 || options.threads > kMaxReactors) {
    return Status::Error("ERR_FANWIRE_OPTION_RANGE", "threads must be between 1 and 64");
  }
  auto impl = std::make_unique<Impl>(options, std::move(ring));
  if (Status status = impl->group.Start(); !status.ok()) return status;
  out->reset(new Engine(std::move(impl)));
  return {};
}

// ---- doors and endpoints ----

Status Engine::AddEndpoint(const EndpointOptions& options, uint16_t* index) {
  if (impl_->routes->size() >= RouteTable::kMaxEndpoints) {
    return Status::Error("ERR_FANWIRE_PATTERN", "there are too many endpoints");
  }
  std::shared_ptr<const Endpoint> endpoint;
  *index = uint16_t(impl_->routes->size());
  if (Status status = Endpoint::Make(*index, options, &endpoint); !status.ok()) return status;
  impl_->routes = impl_->routes->With(std::move(endpoint));
  for (size_t i = 0; i < impl_->group.size(); i++) {
    impl_->group.reactor(i).mailbox().PostWith(0, [&](Batch& batch) {
      Command& command = batch.Add(CommandKind::kRoutes, {});
      command.rare = std::make_unique<RareFields>();
      command.rare->routes = impl_->routes;
    });
    impl_->outgoing.posted() |= ReactorSet{1} << i;
  }
  Flush();
  return {};
}

Status Engine::Listen(const ListenOptions& options, ListenResult* result) {
  if (impl_->closing) return Status::Error("ERR_FANWIRE_CLOSED", "the engine is shutting down");
  std::shared_ptr<Listener> listener;
  if (Status status = Listener::Open(options, &listener, result); !status.ok()) return status;
  result->id = ++impl_->last_listener;
  impl_->listeners[result->id] = listener;
  Reactor& reactor = impl_->group.reactor(0);  // one accepts, and deals to all
  reactor.mailbox().PostWith(0, [&](Batch& batch) {
    Command& command = batch.Add(CommandKind::kListen, {});
    command.rare = std::make_unique<RareFields>();
    command.rare->listener = std::move(listener);
  });
  reactor.Wake();
  return {};
}

bool Engine::Unlisten(uint32_t id) {
  auto found = impl_->listeners.find(id);
  if (found == impl_->listeners.end()) return false;
  found->second->Stop();
  Reactor& reactor = impl_->group.reactor(0);
  reactor.mailbox().PostWith(0, [&](Batch& batch) {
    Command& command = batch.Add(CommandKind::kUnlisten, {});
    command.rare = std::make_unique<RareFields>();
    command.rare->listener = std::move(found->second);
  });
  impl_->listeners.erase(found);
  reactor.Wake();
  return true;
}

uint32_t Engine::Adopt(int fd, std::string head, uint16_t endpoint) {
  if (impl_->closing) {
    errno = ESHUTDOWN;
    return 0;
  }
  const int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (own < 0) return 0;
  const int on = 1;
  setsockopt(own, IPPROTO_TCP, TCP_NODELAY, &on,
             sizeof on);  // fails on a Unix socket, which needs none
  if (++impl_->last_token == 0) ++impl_->last_token;
  Reactor& reactor = impl_->group.LeastLoaded();
  reactor.AddLoad();
  reactor.mailbox().PostWith(head.size(), [&](Batch& batch) {
    Command& command = batch.Add(CommandKind::kAdopt, {});
    command.rare = std::make_unique<RareFields>();
    command.rare->fd = own;
    command.rare->endpoint = endpoint;
    command.rare->token = impl_->last_token;
    command.rare->text = std::move(head);
  });
  reactor.Wake();
  return impl_->last_token;
}

bool Engine::Accept(SessionId id, std::string header_lines,
                    const std::optional<std::string>& user) {
  SessionRecord* record = impl_->group.RecordOf(id);
  if (record == nullptr || record->StateOf(id.generation) != SessionState::kConnecting)
    return false;
  Reactor& reactor = impl_->group.reactor(id.reactor());
  reactor.mailbox().PostWith(0, [&](Batch& batch) {
    Command& command = batch.Add(CommandKind::kAccept, id);
    command.rare = std::make_unique<RareFields>();
    command.rare->text = std::move(header_lines);
  });
  if (user.has_value())
    Identify(id, user);  // behind the accept: the session is there when it joins
  reactor.Wake();
  return true;
}

bool Engine::Refuse(SessionId id, uint16_t status, std::string header_lines, std::string body) {
  SessionRecord* record = impl_->group.RecordOf(id);
  if (record == nullptr || record->StateOf(id.generation) != SessionState::kConnecting)
    return false;
  Reactor& reactor = impl_->group.reactor(id.reactor());
  reactor.mailbox().PostWith(0, [&](Batch& batch) {
    Command& command = batch.Add(CommandKind::kRefuse, id);
    command.code = status;
    command.rare = std::make_unique<RareFields>();
    command.rare->lines = std::move(header_lines);
    command.rare->text = std::move(body);
  });
  reactor.Wake();
  return true;
}

// ---- sends ----

SendResult Engine::Send(SessionId id, const uint8_t* data, size_t size, uint8_t flags,
                        std::string_view key) {
  return impl_->outgoing.Send(id, data, size, flags, key);
}

SendResult Engine::Publish(ChannelKind kind, std::string_view name, const uint8_t* data,
                           size_t size, uint8_t flags, std::string_view key,
                           const std::vector<SessionId>& except) {
  if (impl_->stopped) return SendResult::kGone;
  impl_->outgoing.PostAll();
  return impl_->outgoing.Published(
      impl_->group.directory().Publish(kind, name, Outgoing::MakeMessage(data, size, flags, key),
                                       except, &impl_->outgoing.posted()));
}

SendResult Engine::Broadcast(const uint8_t* data, size_t size, uint8_t flags, std::string_view key,
                             const std::vector<SessionId>& except) {
  if (impl_->stopped) return SendResult::kGone;
  impl_->outgoing.PostAll();
  return impl_->outgoing.Published(impl_->group.directory().Broadcast(
      Outgoing::MakeMessage(data, size, flags, key), except, &impl_->outgoing.posted()));
}

size_t Engine::SendMany(const std::vector<SessionId>& ids, const uint8_t* data, size_t size,
                        uint8_t flags, std::string_view key) {
  const Message message = Outgoing::MakeMessage(data, size, flags, key);
  size_t queued = 0;
  for (SessionId id : ids) {
    const SendResult result = impl_->outgoing.Send(id, message);
    if (result == SendResult::kQueued || result == SendResult::kQueuedHigh) queued++;
  }
  return queued;
}

void Engine::Flush() { impl_->outgoing.Flush(); }

// ---- rooms and users ----

JoinResult Engine::Join(SessionId id, std::string_view room) {
  if (impl_->stopped) return JoinResult::kGone;
  impl_->outgoing.PostAll();
  return impl_->group.directory().Join(id, ChannelKind::kRoom, room, &impl_->outgoing.posted());
}

bool Engine::Leave(SessionId id, std::string_view room) {
  if (impl_->stopped) return false;
  impl_->outgoing.PostAll();
  return impl_->group.directory().Leave(id, ChannelKind::kRoom, room, &impl_->outgoing.posted());
}

bool Engine::Identify(SessionId id, const std::optional<std::string>& user) {
  SessionRecord* record = impl_->group.RecordOf(id);
  if (record == nullptr || impl_->stopped) return false;
  impl_->outgoing.PostAll();
  ChannelDirectory& directory = impl_->group.directory();
  std::mutex& mutex = impl_->group.reactor(id.reactor()).table().mutex(id.index());
  std::optional<std::string> before;
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (record->closed_to_joins || record->StateOf(id.generation) >= SessionState::kClosing)
      return false;
    if (record->user) before = record->user.view();
    record->user = user.has_value() ? SharedBytes::Copy(*user) : SharedBytes{};
  }
  if (before == user) return true;
  if (before.has_value())
    directory.Leave(id, ChannelKind::kUser, *before, &impl_->outgoing.posted());
  if (!user.has_value()) return true;
  return directory.Join(id, ChannelKind::kUser, *user, &impl_->outgoing.posted()) !=
         JoinResult::kGone;
}

std::vector<std::string> Engine::Rooms(SessionId id) const {
  return impl_->group.directory().RoomsOf(id);
}

size_t Engine::ChannelSize(ChannelKind kind, std::string_view name) const {
  return impl_->group.directory().Size(kind, name);
}

std::vector<SessionId> Engine::Members(ChannelKind kind, std::string_view name) const {
  return impl_->group.directory().Members(kind, name);
}

// ---- sessions ----

bool Engine::Close(SessionId id, uint16_t code, std::string reason, CloseCause cause) {
  SessionRecord* record = impl_->group.RecordOf(id);
  // One whose handshake is pending waits for its verdict.
  if (record == nullptr || record->StateOf(id.generation) == SessionState::kConnecting)
    return false;
  const bool was_open = record->Advance(id.generation, SessionState::kClosing);
  // One that has ended is told as well: messages that still wait for JavaScript are no longer
  // wanted.
  if (!was_open && record->generation() != id.generation) return false;
  impl_->outgoing.PostAll();
  impl_->group.reactor(id.reactor()).mailbox().PostWith(0, [&](Batch& batch) {
    Command& command = batch.Add(CommandKind::kClose, id);
    command.code = code;
    command.cause = cause;
    command.rare = std::make_unique<RareFields>();
    command.rare->text = std::move(reason);
  });
  impl_->group.reactor(id.reactor()).Wake();
  return was_open;
}

bool Engine::Terminate(SessionId id, CloseCause cause) {
  SessionRecord* record = impl_->group.RecordOf(id);
  if (record == nullptr || record->generation() != id.generation ||
      record->StateOf(id.generation) == SessionState::kConnecting) {
    return false;
  }
  const bool was_open = record->StateOf(id.generation) != SessionState::kClosed;
  record->Advance(id.generation, SessionState::kClosing);
  impl_->outgoing.PostAll();
  impl_->group.reactor(id.reactor()).mailbox().PostWith(0, [&](Batch& batch) {
    batch.Add(CommandKind::kTerminate, id).cause = cause;
  });
  impl_->group.reactor(id.reactor()).Wake();
  return was_open;
}

SessionState Engine::State(SessionId id) const {
  SessionRecord* record = impl_->group.RecordOf(id);
  return record != nullptr ? record->StateOf(id.generation) : SessionState::kClosed;
}

uint32_t Engine::BufferedBytes(SessionId id) const {
  SessionRecord* record = impl_->group.RecordOf(id);
  if (record == nullptr || record->StateOf(id.generation) == SessionState::kClosed) return 0;
  return record->BufferedOf(id.generation);
}

std::optional<SessionInfo> Engine::Info(SessionId id) const {
  SessionRecord* record = impl_->group.RecordOf(id);
  if (record == nullptr) return std::nullopt;
  std::lock_guard<std::mutex> lock(impl_->group.reactor(id.reactor()).table().mutex(id.index()));
  if (record->generation() != id.generation) return std::nullopt;
  SessionInfo info;
  info.head = record->head.view();
  info.remote_address = record->peer.ToString();
  info.remote_port = record->peer.port;
  info.endpoint = record->endpoint.load(std::memory_order_relaxed);
  if (record->user) info.user = record->user.view();
  return info;
}

std::vector<SessionId> Engine::Sessions(int32_t endpoint) const {
  std::vector<SessionId> ids;
  for (size_t r = 0; r < impl_->group.size(); r++) {
    const SessionTable& table = impl_->group.reactor(r).table();
    for (uint32_t index = 0; index < table.used_slots(); index++) {
      const SessionRecord& record = *table.At(index);
      const uint32_t generation = record.generation();
      if (record.StateOf(generation) != SessionState::kOpen) continue;
      if (endpoint >= 0 && record.endpoint.load(std::memory_order_relaxed) != endpoint) continue;
      ids.push_back({uint32_t(r) << SessionId::kIndexBits | index, generation});
    }
  }
  return ids;
}

// ---- events ----

size_t Engine::reactor_count() const { return impl_->group.size(); }

void Engine::TakeEvents(size_t reactor, std::vector<SlabRange>& out) {
  EventQueue& events = impl_->group.reactor(reactor).events();
  // A pass that began before the end may have missed what an earlier reactor told last.
  if (reactor == 0) impl_->all_left = impl_->group.all_left();
  if (impl_->all_left && reactor + 1 == impl_->group.size() &&
      !std::exchange(impl_->told_stopped, true)) {
    events.Append({}, EventKind::kStopped, 0, 0, 0);  // its reactor has left it to us
    events.Commit();
  }
  events.Take(out);
}

bool Engine::WillReuse(size_t reactor, const Slab& slab) const {
  return impl_->group.reactor(reactor).events().WillReuse(slab);
}

void Engine::RetireSlab(size_t reactor, Slab* slab) {
  impl_->group.reactor(reactor).events().Retire(slab);
}

void Engine::SettleRange(const SlabRange& range) {
  for (uint32_t at = range.from; at < range.to;) {
    const auto* word = reinterpret_cast<const uint32_t*>(range.slab->data + at);
    at += RecordSize(word[3]);
    if ((word[2] & kUnsettledBit) != 0) continue;
    const SessionId id{word[0], word[1]};
    switch (EventKind(word[2] & 0xFF)) {
      case EventKind::kMessage:
        Settle(id, word[3]);
        break;
      case EventKind::kOpen:
        Settle(id, kSettleOpen);
        break;
      case EventKind::kClose:
      case EventKind::kAbort:
        impl_->group.RecordOf(id)->released_generation = id.generation;
        impl_->outgoing.To(id).Add(CommandKind::kRelease, id);
        break;
      default:
        break;
    }
  }
}

void Engine::Settle(SessionId id, uint32_t bytes) {
  SessionRecord* record = impl_->group.RecordOf(id);
  if (record == nullptr || record->released_generation == id.generation ||
      record->generation() != id.generation)
    return;
  const bool waits =
      bytes == kSettleOpen ? record->Settle(kCreditMessages, 0) : record->Settle(1, bytes);
  if (waits) impl_->outgoing.To(id).Add(CommandKind::kResume, id);
}

uint32_t Engine::connection_count() const { return impl_->group.TakeConnections(); }

void Engine::SetLogLevel(int level) {
  for (size_t i = 0; i < impl_->group.size(); i++) impl_->group.reactor(i).hub().SetLogLevel(level);
}

EngineStats Engine::Stats() const {
  EngineStats stats;
  for (size_t r = 0; r < impl_->group.size(); r++) {
    stats.reactors.push_back(CountsOf(impl_->group.reactor(r).counters()));
    if (r == 0) {
      stats.total = stats.reactors.back();
      continue;
    }
    for (size_t i = 0; i < stats.total.size(); i++)
      stats.total[i].second += stats.reactors.back()[i].second;
  }
  stats.total.emplace_back("channels", impl_->group.directory().channel_count());
  return stats;
}

// ---- life ----

void Engine::Shutdown(uint16_t code, const std::string& reason, uint32_t grace_ms) {
  impl_->closing = true;
  for (auto& [id, listener] : impl_->listeners) listener->Stop();
  impl_->listeners.clear();
  impl_->outgoing.PostAll();
  for (size_t i = 0; i < impl_->group.size(); i++) {
    impl_->group.reactor(i).mailbox().PostWith(0, [&](Batch& batch) {
      Command& command = batch.Add(CommandKind::kShutdown, {});
      command.code = code;
      command.size = grace_ms;
      command.rare = std::make_unique<RareFields>();
      command.rare->text = reason;
    });
    impl_->group.reactor(i).Wake();
  }
}

void Engine::Join() {
  impl_->closing = impl_->stopped = true;
  impl_->group.Join();
}

void Engine::Stop() {
  impl_->closing = impl_->stopped = true;
  impl_->listeners.clear();
  impl_->group.Stop();
}

bool IsSafeHeaderBlock(std::string_view lines) { return IsSafeHeaderLines(lines); }

}  // namespace fanwire
