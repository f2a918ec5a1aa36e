// EpollLoop: the readiness of one reactor's sockets, and libwebsockets' event library on top of it.
// Path:      kernel -> [epoll_loop] -> connection
// Threading: reactor-owned; Wake() from any thread.
// Lifetime:  owned by its reactor; opened before the lws context and closed after it.
//
// Changes of interest are gathered and applied once a round: most are undone before the round ends.
#ifndef FANWIRE_NET_EPOLL_LOOP_H_
#define FANWIRE_NET_EPOLL_LOOP_H_

#include <libwebsockets.h>
#include <sys/epoll.h>

#include <atomic>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "fanwire/status.h"

namespace fanwire {

// A socket that is ours alone (a listener), not libwebsockets'.
class ReadyHandler {
 public:
  virtual void OnReady(int fd) = 0;

 protected:
  ~ReadyHandler() = default;
};

// Told when the peer leaves while its bytes are not being read.
class HangupHandler {
 public:
  virtual void OnHangup() = 0;

 protected:
  ~HangupHandler() = default;
};

class EpollLoop {
 public:
  EpollLoop() = default;
  EpollLoop(const EpollLoop&) = delete;
  EpollLoop& operator=(const EpollLoop&) = delete;
  ~EpollLoop();

  Status Open();
  // To hand to lws_create_context() as event_lib_custom, with this loop as the foreign loop.
  static const lws_plugin_evlib_t* EventLibrary();
  void set_context(lws_context* context) { context_ = context; }

  // Waits for at most `timeout_ms` (less if libwebsockets has work) and serves what is ready. Never
  // lws_service_tsi(): it poll()s every socket there is, and reads those that are paused.
  // `mail_waiting()` is asked after the loop has declared itself asleep: what came before is not
  // slept over. `on_awake()` is called between the two: time has passed.
  template <typename MailWaiting, typename OnAwake>
  void Wait(int timeout_ms, MailWaiting&& mail_waiting, OnAwake&& on_awake) {
    int timeout = lws_service_adjust_timeout(context_, timeout_ms, 0);
    ApplyInterest();
    asleep_.store(true);  // seq_cst: a poster looks at it after it has posted
    if (mail_waiting()) timeout = 0;
    const int n = epoll_wait(epoll_, events_.data(), int(events_.size()), timeout);
    asleep_.store(false);
    on_awake();
    Serve(n);
  }
  // The same for at most `timeout_ns`, within a round; true: something was ready.
  template <typename MailWaiting>
  bool WaitBriefly(int64_t timeout_ns, MailWaiting&& mail_waiting) {
    asleep_.store(true);
    timespec timeout{0, mail_waiting() ? 0 : timeout_ns};
    const int n = epoll_pwait2(epoll_, events_.data(), int(events_.size()), &timeout, nullptr);
    asleep_.store(false);
    Serve(n);
    return n > 0;
  }

  // Any thread. True: it did sleep.
  bool Wake();

  Status AddHandler(int fd, ReadyHandler* handler);
  void RemoveHandler(int fd);
  void SetHandlerActive(int fd, bool active);

  // Whether a connection's bytes are wanted. If not, its leaving is told to `handler`, once.
  void SetReading(int fd, bool on, HangupHandler* handler);

 private:
  struct Slot {  // small: there is one for every descriptor of the process
    uint32_t want = 0, have = 0;
    bool registered = false, dirty = false, reading_off = false, ours = false;
  };
  static int OnInit(lws_context* context, void* loop, int tsi);
  static int OnAccept(lws* wsi);
  static void OnInterest(lws* wsi, unsigned flags);
  static int OnGone(lws* wsi);
  static const lws_event_loop_ops& Ops();

  Slot& SlotOf(int fd);
  int Register(int fd, uint32_t interest);
  void Change(int fd, Slot& slot);
  void ApplyInterest();
  void Serve(int n);
  void ServeSocket(int fd, uint32_t events);

  lws_context* context_ = nullptr;
  int epoll_ = -1, event_ = -1;
  std::vector<Slot> slots_;  // by fd
  std::vector<int> dirty_;
  std::unordered_map<int, ReadyHandler*> handlers_;  // of our own sockets
  std::unordered_map<int, HangupHandler*> hangups_;  // where reading is off and nobody was told yet
  std::vector<epoll_event> events_ = std::vector<epoll_event>(1024);
  std::atomic<bool> asleep_{false};
};

}  // namespace fanwire

#endif  // FANWIRE_NET_EPOLL_LOOP_H_
