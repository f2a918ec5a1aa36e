#include "core/hub.h"

#include <algorithm>
#include <map>
#include <utility>

namespace fanwire {

Hub::Hub(const EngineOptions& options, const Clock& clock, SessionTable& table,
         ChannelDirectory& directory, EventQueue& events, IncompleteBytes& incomplete_bytes)
    : options_(options),
      clock_(clock),
      table_(table),
      directory_(directory),
      events_(events),
      incomplete_bytes_(incomplete_bytes),
      now_ms_(clock.NowMs()),
      timers_(now_ms_),
      fan_out_(counters_) {}

Hub::~Hub() = default;

void Hub::BeginRound() {
  owner_.Bind();
  now_ms_ = clock_.NowMs();
  timers_.Advance(now_ms_);
  if (!retry_.empty()) RetryPublishers();
}

void Hub::EndRound() {
  owner_.Check();
  fan_out_.Flush();
  dead_.clear();
}

Session* Hub::Find(SessionId id) const {
  const uint32_t index = id.index();
  if (index >= by_index_.size()) return nullptr;
  Session* session = by_index_[index].get();
  return session != nullptr && session->id() == id ? session : nullptr;
}

Session& Hub::Open(SessionId id, Stream& stream, const Endpoint& endpoint, const PathParams& params,
                   uint32_t token) {
  const uint32_t index = id.index();
  if (by_index_.size() <= index) {
    by_index_.resize(index + 1);
    member_index_.resize(index + 1);
  }
  by_index_[index] = std::make_unique<Session>(*this, stream, id, *table_.At(index), endpoint);
  Session& session = *by_index_[index];
  fan_out_.CloseBatchOf(members_);
  member_index_[index] = members_.Add(&session);
  counters_.opened.Add();
  counters_.sessions.Add();
  session.Open(params, token);
  return session;
}

void Hub::Bury(Session& session) {
  const uint32_t index = session.id().index();
  fan_out_.CloseBatchOf(members_);
  if (Session* moved = members_.Remove(member_index_[index]))
    member_index_[moved->id().index()] = member_index_[index];
  counters_.sessions.Subtract();
  dead_.push_back(std::move(by_index_[index]));
}

void Hub::Execute(Command& command, const ByteBuffer& bytes) {
  switch (command.kind) {
    case CommandKind::kDeliver:
      Deliver(command.channel->local(table_.reactor()), command);
      return;
    case CommandKind::kBroadcast:
      Deliver(members_, command);
      return;
    case CommandKind::kTrim:
      if (incomplete_bytes_.total() > options_.max_incomplete_bytes) CloseBiggestHolder();
      return;
    case CommandKind::kRelease:
      return Release(command.id);
    default:
      break;
  }
  Session* session = Find(command.id);
  if (session == nullptr) return;
  switch (command.kind) {
    case CommandKind::kSend:
      counters_.messages_out.Add(command.frames);
      fan_out_.Send(*session, bytes.data() + command.offset, command.size);
      return;
    case CommandKind::kSendMessage:
      counters_.messages_out.Add();
      fan_out_.Send(*session, command.message);
      return;
    case CommandKind::kJoin:
      return session->OnJoined(command.channel);
    case CommandKind::kLeave:
      return session->OnLeft(*command.channel);
    case CommandKind::kClose:
      return session->Close(command.code, command.rare != nullptr ? command.rare->text : "",
                            command.cause);
    case CommandKind::kTerminate:
      return session->Terminate(command.cause);
    case CommandKind::kResume:
      return session->Resume();
    default:
      return;
  }
}

uint64_t Hub::RecordBytes(SessionId id) const {
  return sizeof(SessionRecord) + table_.At(id.index())->head.size();
}

void Hub::Release(SessionId id) {
  ended_bytes_ -= RecordBytes(id);
  table_.Free(id);
}

void Hub::Deliver(const RoomMembers& members, const Command& command) {
  if (members.sessions().empty()) return;
  except_.clear();
  if (command.rare != nullptr) {
    for (SessionId id : command.rare->except) {
      if (id.reactor() != table_.reactor()) continue;
      if (Session* session = Find(id)) except_.push_back(session);
    }
  }
  fan_out_.Deliver(members, command.message, except_);
}

void Hub::CloseAll(uint16_t code, std::string_view reason, CloseCause cause) {
  const std::vector<Session*> all = members_.sessions();  // a copy: closing changes it
  for (Session* session : all) session->Close(code, reason, cause);
}

void Hub::TerminateAll(CloseCause cause) {
  const std::vector<Session*> all = members_.sessions();
  for (Session* session : all) session->Terminate(cause);
}

void Hub::RetryPublishers() {
  std::vector<SessionId> now;
  now.swap(retry_);
  for (SessionId id : now) {
    if (Session* session = Find(id)) session->Resume();
  }
}

void Hub::AddIncomplete(int64_t bytes) {
  incomplete_bytes_.Add(table_.reactor(), bytes);
  if (bytes <= 0 || incomplete_bytes_.total() <= options_.max_incomplete_bytes) return;
  const uint32_t biggest = incomplete_bytes_.biggest();
  if (biggest == table_.reactor()) return CloseBiggestHolder();
  directory_.PostTrim(biggest, &posted_);
}

// Over the process's limit somebody has to go: of the address that holds most here, the session
// that holds most.
void Hub::CloseBiggestHolder() {
  std::map<std::array<uint8_t, 16>, size_t> by_address;
  for (const Session* session : members_.sessions())
    by_address[session->peer().ip] += session->incomplete_bytes();
  const auto biggest =
      std::max_element(by_address.begin(), by_address.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  Session* holder = nullptr;
  for (Session* session : members_.sessions()) {
    if (session->peer().ip != biggest->first) continue;
    if (holder == nullptr || session->incomplete_bytes() > holder->incomplete_bytes())
      holder = session;
  }
  if (holder != nullptr) holder->Terminate(CloseCause::kIncompleteLimit);
}

void Hub::Log(LogLevel level, std::string_view line) {
  if (int(level) > log_level_.load(std::memory_order_relaxed)) return;
  events_.Append({uint32_t(level), 0}, EventKind::kLog, 0, 0, line);
}

}  // namespace fanwire
