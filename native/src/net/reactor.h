// Reactor: one I/O thread: its loop, its libwebsockets context, its connections and its hub.
// Path:      kernel -> [reactor] -> connection -> session -> fan-out -> kernel
// Threading: everything runs on its own thread but Open(), Start(), Join(), Wake(), mailbox(),
//            table(), events().Take() and the counters.
// Lifetime:  owned by its ReactorGroup; Join() before it goes.
#ifndef FANWIRE_NET_REACTOR_H_
#define FANWIRE_NET_REACTOR_H_

#include <libwebsockets.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "core/hub.h"
#include "net/epoll_loop.h"
#include "net/listener.h"
#include "protocol/http_head.h"

namespace fanwire {

class Connection;
class Handshake;
class ReactorGroup;

class Reactor final : private ReadyHandler, private TimerOwner {
 public:
  Reactor(ReactorGroup& group, uint32_t index);
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  ~Reactor();

  Status Open();
  Status Start();
  void Join();
  // Any thread: it looks at its mailbox soon. Only a sleeping one costs a system call.
  void Wake();
  // Any thread: it leaves its loop at once, whatever is open.
  void PostStop();

  ReactorMailbox& mailbox() { return mailbox_; }
  SessionTable& table() { return table_; }
  EventQueue& events() { return events_; }
  // Any thread: sockets in its care, those on their way included.
  uint32_t load() const { return load_.load(std::memory_order_relaxed); }
  void AddLoad() { load_.fetch_add(1, std::memory_order_relaxed); }
  const Counters& counters() const { return const_cast<Reactor*>(this)->hub_->counters(); }

  // For Connection and Handshake.
  Hub& hub() { return *hub_; }
  EpollLoop& loop() { return loop_; }
  const RouteTable& routes() const { return *routes_; }
  bool IsFull() const;
  void CountAdmitted(int change);
  bool shutting_down() const { return shutting_down_; }
  void AddPending(SessionId id, Connection& connection) { pending_[id.index()] = &connection; }
  void RemovePending(SessionId id) { pending_.erase(id.index()); }
  void CloseAtEndOfRound(Connection& connection) { closing_.push_back(&connection); }
  void Bury(Connection& connection);
  void Retire(std::unique_ptr<Handshake> handshake);
  RequestHead& scratch_head() { return scratch_head_; }
  std::string& scratch_text() { return scratch_text_; }

 private:
  static int OnLws(lws* wsi, lws_callback_reasons reason, void* user, void* in, size_t size);
  static const lws_protocols* Protocols();

  void Run();
  void Round();
  void TakeMail();
  void DropMail();
  void Linger();
  void EndRound();
  void Ring();
  void WakePeers();
  int NextTimeoutMs() const;

  void CountConnections(int change);
  void Execute(Batch& batch);
  void ExecuteOwn(Command& command);
  void Adopt(int fd, const PeerAddress& peer, int32_t endpoint, uint32_t token, std::string& head);
  void OnReady(int fd) override;  // a listener has sockets for us
  void OnTimer() override;        // accepting may go on; or the grace of a shutdown is over
  void PauseAccepting(int error_number);
  void Listen(const std::shared_ptr<Listener>& listener);
  void Unlisten(const Listener& listener);
  void BeginShutdown(const Command& command);

  ReactorGroup& group_;
  const uint32_t index_;
  ReactorMailbox mailbox_;
  SessionTable table_;
  EventQueue events_;
  EpollLoop loop_;
  std::unique_ptr<Hub> hub_;
  lws_log_cx_t log_context_{};  // libwebsockets counts its users, without a lock
  lws_context* context_ = nullptr;
  lws_vhost* vhost_ = nullptr;
  std::thread thread_;
  std::atomic<bool> stop_{false};
  std::atomic<uint32_t> load_{0};

  std::shared_ptr<const RouteTable> routes_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::unordered_map<uint32_t, Connection*>
      pending_;  // by session index: those that wait for a verdict
  std::vector<Connection*> closing_;
  std::vector<std::unique_ptr<Connection>> dead_;
  std::vector<std::unique_ptr<Handshake>> retired_;
  std::vector<Batch> taken_;  // this round's mail: segments point into it
  size_t taken_count_ = 0;
  Timer timer_;
  bool accepting_paused_ = false, shutting_down_ = false;
  int64_t shutdown_due_ms_ = 0;
  int linger_misses_ = 0;
  int max_descriptors_ = 0;
  RequestHead scratch_head_;
  std::string scratch_text_;
};

}  // namespace fanwire

#endif  // FANWIRE_NET_REACTOR_H_
