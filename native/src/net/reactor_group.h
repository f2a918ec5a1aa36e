// ReactorGroup: the reactors of one engine and what they share.
// Path:      application -> [reactor_group] -> mailboxes
// Threading: immutable once started, but for the atomics.
// Lifetime:  owned by the engine; reactors refer to it until they are joined.
#ifndef FANWIRE_NET_REACTOR_GROUP_H_
#define FANWIRE_NET_REACTOR_GROUP_H_

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "core/channel_directory.h"
#include "fanwire/options.h"
#include "net/reactor.h"

namespace fanwire {

class ReactorGroup {
 public:
  // `ring` wakes JavaScript; any thread calls it.
  ReactorGroup(const EngineOptions& options, std::function<void()> ring);
  ReactorGroup(const ReactorGroup&) = delete;
  ReactorGroup& operator=(const ReactorGroup&) = delete;
  ~ReactorGroup();

  Status Start();
  void Stop();  // at once, whatever is open; joins. Idempotent.
  void Join();  // after a shutdown has been posted and has finished

  void Wake(ReactorSet reactors);
  Reactor& LeastLoaded();

  size_t size() const { return reactors_.size(); }
  // Null if there was never such a slot; the caller checks the generation.
  SessionRecord* RecordOf(SessionId id) {
    return id.reactor() < size() ? reactor(id.reactor()).table().At(id.index()) : nullptr;
  }
  Reactor& reactor(size_t i) { return *reactors_[i]; }
  const Reactor& reactor(size_t i) const { return *reactors_[i]; }
  ChannelDirectory& directory() { return *directory_; }
  const EngineOptions& options() const { return options_; }
  const Clock& clock() const { return clock_; }
  IncompleteBytes& incomplete_bytes() { return incomplete_bytes_; }

  // For Reactor.
  void Ring() const { ring_(); }
  // The number of connections in all; true if it went from or to nought and nobody was told since
  // TakeConnections().
  bool AddConnections(int change);
  uint32_t TakeConnections() {
    told_.store(false);  // before looking: what changes later is told again
    return connections_.load();
  }
  // Those that hold a place under maxConnections: from a good head on.
  std::atomic<uint32_t>& admitted() { return admitted_; }
  bool LeaveLast() { return running_.fetch_sub(1) == 1; }

  // Any thread: every reactor has told its last event.
  bool all_left() const { return running_.load() == 0; }

 private:
  const EngineOptions options_;
  const std::function<void()> ring_;
  const SteadyClock clock_;
  IncompleteBytes incomplete_bytes_;
  std::atomic<uint32_t> connections_{0}, admitted_{0}, running_{0};
  std::atomic<bool> told_{false};
  std::vector<std::unique_ptr<Reactor>> reactors_;
  std::unique_ptr<ChannelDirectory> directory_;
};

}  // namespace fanwire

#endif  // FANWIRE_NET_REACTOR_GROUP_H_
