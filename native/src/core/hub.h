// Hub: the sessions of one reactor and what they share: events up, rooms, fan-out, timers,
// counters.
// Path:      connection -> [hub] -> sessions; mailbox -> [hub] -> fan-out
// Threading: reactor-owned; it has no loop and no sockets of its own, so tests drive it from
//            memory.
// Lifetime:  owned by its reactor; outlives every session.
#ifndef FANWIRE_CORE_HUB_H_
#define FANWIRE_CORE_HUB_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/owner_thread.h"
#include "base/timing_wheel.h"
#include "core/batch.h"
#include "core/channel_directory.h"
#include "core/event_queue.h"
#include "core/fan_out.h"
#include "core/incomplete_bytes.h"
#include "core/session.h"
#include "core/session_table.h"
#include "fanwire/options.h"
#include "metrics/counters.h"

namespace fanwire {

class Hub final : public LogSink {
 public:
  // `incomplete_bytes` is shared by all hubs of the engine. Everything is borrowed and outlives the
  // hub.
  Hub(const EngineOptions& options, const Clock& clock, SessionTable& table,
      ChannelDirectory& directory, EventQueue& events, IncompleteBytes& incomplete_bytes);
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;
  ~Hub() override;

  // After a sleep: what is read now has come now.
  void ReadClock() { now_ms_ = clock_.NowMs(); }
  // Once per round, first.
  void BeginRound();
  // A command for a session or a room. `bytes` are the batch's; both stay until EndRound().
  void Execute(Command& command, const ByteBuffer& bytes);
  // Writes what the round gathered, buries the dead.
  void EndRound();

  // A session for an accepted handshake. REQUIRES: `id` is from table().Allocate().
  Session& Open(SessionId id, Stream& stream, const Endpoint& endpoint, const PathParams& params,
                uint32_t token);
  Session* Find(SessionId id) const;

  void CloseAll(uint16_t code, std::string_view reason, CloseCause cause);
  void TerminateAll(CloseCause cause);
  size_t session_count() const { return members_.sessions().size(); }

  // JavaScript is far behind: what waits for it, or for its acknowledgement, is more than 64 MiB.
  bool Overloaded() const {
    return events_.untaken_bytes() + waiting_bytes_ + ended_bytes_ > kMaxBacklog;
  }
  // A session or a pending handshake has ended, and JavaScript is told: its record stays until
  // then.
  void NoteEnded(SessionId id) { ended_bytes_ += RecordBytes(id); }

  // For Session.
  void AddWaiting(int64_t bytes) { waiting_bytes_ += uint64_t(bytes); }
  void Bury(Session& session);  // out of the hub at once, deleted at the end of the round
  void RetryPublish(Session& session) { retry_.push_back(session.id()); }
  void AddIncomplete(int64_t bytes);
  void Log(LogLevel level, std::string_view line) override;
  // Any thread. The least severe level that anybody listens to; -1: none.
  void SetLogLevel(int level) { log_level_.store(level, std::memory_order_relaxed); }

  const EngineOptions& options() const { return options_; }
  int64_t now_ms() const { return now_ms_; }
  TimingWheel& timers() { return timers_; }
  FanOut& fan_out() { return fan_out_; }
  EventQueue& events() { return events_; }
  ChannelDirectory& directory() { return directory_; }
  SessionTable& table() { return table_; }
  Counters& counters() { return counters_; }
  ReactorSet& posted() { return posted_; }  // reactors to wake
  // Some session waits for another reactor's mailbox: look again soon.
  bool has_retries() const { return !retry_.empty(); }

 private:
  static constexpr uint64_t kMaxBacklog = 64ull << 20;
  uint64_t RecordBytes(SessionId id) const;
  void Release(SessionId id);
  void Deliver(const RoomMembers& members, const Command& command);
  void CloseBiggestHolder();
  void RetryPublishers();

  const EngineOptions& options_;
  const Clock& clock_;
  SessionTable& table_;
  ChannelDirectory& directory_;
  EventQueue& events_;
  IncompleteBytes& incomplete_bytes_;
  OwnerThread owner_;
  int64_t now_ms_;
  TimingWheel timers_;
  Counters counters_;
  FanOut fan_out_;
  ReactorSet posted_ = 0;
  uint64_t waiting_bytes_ = 0;  // messages in the sessions' inbound queues
  uint64_t ended_bytes_ = 0;    // records that JavaScript has not acknowledged
  std::atomic<int> log_level_{-1};
  std::vector<std::unique_ptr<Session>> by_index_;
  std::vector<uint32_t> member_index_;  // by session index: its place in members_
  RoomMembers members_;                 // every session of this reactor: what a broadcast reaches
  std::vector<std::unique_ptr<Session>> dead_;
  std::vector<SessionId> retry_;
  std::vector<Session*> except_;  // scratch
};

}  // namespace fanwire

#endif  // FANWIRE_CORE_HUB_H_
