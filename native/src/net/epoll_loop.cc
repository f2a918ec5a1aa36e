#include "net/epoll_loop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace fanwire {
namespace {

EpollLoop* LoopOf(lws* wsi) { return *static_cast<EpollLoop**>(lws_evlib_wsi_to_evlib_pt(wsi)); }

}  // namespace

EpollLoop::~EpollLoop() {
  if (epoll_ >= 0) close(epoll_);
  if (event_ >= 0) close(event_);
}

Status EpollLoop::Open() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return Status::FromErrno("epoll_create1", errno, "");
  event_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (event_ < 0) return Status::FromErrno("eventfd", errno, "");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = event_;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, event_, &event) != 0)
    return Status::FromErrno("epoll_ctl", errno, "");
  return {};
}

const lws_event_loop_ops& EpollLoop::Ops() {
  static const lws_event_loop_ops ops = [] {
    lws_event_loop_ops o{};
    o.name = "fanwire";
    o.init_pt = OnInit;
    o.init_vhost_listen_wsi = OnAccept;
    o.sock_accept = OnAccept;
    o.io = OnInterest;
    o.wsi_logical_close = OnGone;
    o.evlib_size_pt = sizeof(void*);
    return o;
  }();
  return ops;
}

const lws_plugin_evlib_t* EpollLoop::EventLibrary() {
  static const lws_plugin_evlib_t library = {
      {"fanwire", "lws_evlib_plugin", LWS_BUILD_HASH, LWS_PLUGIN_API_MAGIC}, &Ops()};
  return &library;
}

int EpollLoop::OnInit(lws_context* context, void* loop, int tsi) {
  *static_cast<void**>(lws_evlib_tsi_to_evlib_pt(context, tsi)) = loop;
  return 0;
}

int EpollLoop::OnAccept(lws* wsi) {
  return LoopOf(wsi)->Register(lws_get_socket_fd(wsi), EPOLLIN | EPOLLRDHUP);
}

void EpollLoop::OnInterest(lws* wsi, unsigned flags) {
  EpollLoop* loop = LoopOf(wsi);
  const int fd = lws_get_socket_fd(wsi);
  if (fd < 0 || size_t(fd) >= loop->slots_.size() || !loop->slots_[size_t(fd)].registered) return;
  Slot& slot = loop->slots_[size_t(fd)];
  uint32_t mask = 0;
  if ((flags & LWS_EV_READ) != 0) mask |= EPOLLIN;
  if ((flags & LWS_EV_WRITE) != 0) mask |= EPOLLOUT;
  slot.want = (flags & LWS_EV_START) != 0 ? slot.want | mask : slot.want & ~mask;
  if (slot.reading_off) slot.want &= ~uint32_t(EPOLLIN);
  loop->Change(fd, slot);
}

int EpollLoop::OnGone(lws* wsi) {
  EpollLoop* loop = LoopOf(wsi);
  const int fd = lws_get_socket_fd(wsi);
  if (fd < 0 || size_t(fd) >= loop->slots_.size() || !loop->slots_[size_t(fd)].registered) return 0;
  epoll_event event{};
  epoll_ctl(loop->epoll_, EPOLL_CTL_DEL, fd, &event);
  if (loop->slots_[size_t(fd)].reading_off) loop->hangups_.erase(fd);
  loop->slots_[size_t(fd)] = Slot{};
  return 0;
}

EpollLoop::Slot& EpollLoop::SlotOf(int fd) {
  if (slots_.size() <= size_t(fd)) slots_.resize(size_t(fd) + 1024);
  return slots_[size_t(fd)];
}

int EpollLoop::Register(int fd, uint32_t interest) {
  Slot& slot = SlotOf(fd);
  slot = Slot{};
  slot.want = slot.have = interest;
  slot.registered = true;
  epoll_event event{};
  event.events = interest;
  event.data.fd = fd;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void EpollLoop::Change(int fd, Slot& slot) {
  if (slot.want == slot.have || slot.dirty) return;
  slot.dirty = true;
  dirty_.push_back(fd);
}

void EpollLoop::ApplyInterest() {
  for (int fd : dirty_) {
    Slot& slot = slots_[size_t(fd)];
    slot.dirty = false;
    if (!slot.registered || slot.want == slot.have) continue;
    epoll_event event{};
    event.events = slot.have = slot.want;
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
  }
  dirty_.clear();
}

void EpollLoop::Serve(int n) {
  for (int i = 0; i < n; i++) {
    const int fd = events_[size_t(i)].data.fd;
    if (fd == event_) {
      uint64_t count;
      (void)!read(event_, &count, sizeof count);
      continue;
    }
    ServeSocket(fd, events_[size_t(i)].events);
  }
}

void EpollLoop::ServeSocket(int fd, uint32_t events) {
  Slot& slot = slots_[size_t(fd)];
  if (!slot.registered) return;  // closed earlier in this round
  if (slot.ours) return handlers_[fd]->OnReady(fd);
  if (slot.reading_off && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    // Once is enough: a hang-up can not be masked, and would be reported for ever.
    slot.want = (slot.want & ~uint32_t(EPOLLRDHUP)) | EPOLLET;
    Change(fd, slot);
    auto told = hangups_.extract(fd);
    if (!told.empty()) told.mapped()->OnHangup();
  }
  lws_pollfd poll;
  poll.fd = fd;
  poll.events = short(slot.want);
  poll.revents = short(events & (EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLERR));
  if ((poll.revents & POLLERR) != 0) poll.revents |= POLLHUP;
  if (poll.revents != 0) lws_service_fd(context_, &poll);
}

bool EpollLoop::Wake() {
  if (!asleep_.exchange(false)) return false;
  const uint64_t one = 1;
  (void)!write(event_, &one, sizeof one);
  return true;
}

Status EpollLoop::AddHandler(int fd, ReadyHandler* handler) {
  if (Register(fd, EPOLLIN) != 0) return Status::FromErrno("epoll_ctl", errno, "");
  slots_[size_t(fd)].ours = true;
  handlers_[fd] = handler;
  return {};
}

void EpollLoop::RemoveHandler(int fd) {
  epoll_event event{};
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &event);
  slots_[size_t(fd)] = Slot{};
  handlers_.erase(fd);
}

void EpollLoop::SetHandlerActive(int fd, bool active) {
  Slot& slot = slots_[size_t(fd)];
  slot.want = active ? uint32_t(EPOLLIN) : 0;
  Change(fd, slot);
}

void EpollLoop::SetReading(int fd, bool on, HangupHandler* handler) {
  Slot& slot = slots_[size_t(fd)];
  if (!slot.registered) return;
  slot.reading_off = !on;
  if (on) {
    hangups_.erase(fd);
  } else {
    hangups_[fd] = handler;
  }
  slot.want =
      on ? (slot.want & ~uint32_t(EPOLLET)) | EPOLLIN | EPOLLRDHUP : slot.want & ~uint32_t(EPOLLIN);
  Change(fd, slot);
}

}  // namespace fanwire
