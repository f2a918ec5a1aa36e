#include "net/reactor.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include "net/connection.h"
#include "net/handshake.h"
#include "net/reactor_group.h"

namespace fanwire {
namespace {

constexpr int kMaxSleepMs = 1'000;
constexpr int64_t kMaxDescriptors = 1'048'576;  // also in cmake/patches/0003
constexpr int kAcceptsPerRound = 256;
constexpr int64_t kAcceptPauseMs = 100;

// libwebsockets logs per process; each reactor's lines are its own.
thread_local LogSink* log_sink = nullptr;

void EmitLog(int level, const char* line) {
  if (log_sink == nullptr) return;
  std::string_view text = line;
  const LogLevel ours = (level & LLL_ERR) != 0    ? LogLevel::kError
                        : (level & LLL_WARN) != 0 ? LogLevel::kWarn
                                                  : LogLevel::kInfo;
  while (text.ends_with('\n')) text.remove_suffix(1);
  log_sink->Log(ours, text);
}

// In place of libwebsockets' own, which keeps a sum for the process, without a lock.
void* Allocate(void* block, size_t size, const char* /*reason*/) {
  if (size != 0) return realloc(block, size);
  free(block);
  return nullptr;
}

// What libwebsockets keeps for the process, set by whichever thread is first.
void PrepareProcess() {
  static const bool done = [] {
    lws_set_allocator(Allocate);
    lws_set_log_level(LLL_ERR | LLL_WARN, EmitLog);
    return true;
  }();
  (void)done;
}

int64_t NowNs() {
  using std::chrono::duration_cast, std::chrono::nanoseconds, std::chrono::steady_clock;
  return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

// A reactor runs for microseconds at a time and should do so at once, also where it shares its core
// with a busy JavaScript thread. Linux 6.12 and later gives a thread that asks for short slices its
// turn sooner; it takes no privilege and no throughput, and older kernels ignore it.
void AskForShortSlices() {
  struct {  // the kernel's struct sched_attr, whose header does not go with libc's
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } attributes{};
  attributes.size = sizeof attributes;
  attributes.policy = SCHED_OTHER;
  attributes.nice = getpriority(PRIO_PROCESS, 0);
  attributes.runtime = 100'000;  // ns
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace

Reactor::Reactor(ReactorGroup& group, uint32_t index)
    : group_(group),
      index_(index),
      mailbox_(group.options().max_mailbox_bytes),
      table_(index),
      routes_(std::make_shared<RouteTable>()),
      timer_(this) {}

Reactor::~Reactor() { Join(); }

const lws_protocols* Reactor::Protocols() {
  // tx_packet_size: as much as it is given. rx_buffer_size 0: reads of pt_serv_buf_size.
  static const lws_protocols protocols[] = {{"fanwire", OnLws, 0, 0, 0, nullptr, 1 << 24},
                                            {nullptr, nullptr, 0, 0, 0, nullptr, 0}};
  return protocols;
}

Status Reactor::Open() {
  hub_ = std::make_unique<Hub>(group_.options(), group_.clock(), table_, group_.directory(),
                               events_, group_.incomplete_bytes());
  if (Status status = loop_.Open(); !status.ok()) return status;
  PrepareProcess();
  log_context_.u.emit = EmitLog;
  log_context_.lll_flags = LLL_ERR | LLL_WARN;
  void* loops[1] = {&loop_};
  static const lws_retry_bo_t
      no_validity_timer{};  // pings are ours; lws's timers are a sorted list
  lws_context_creation_info info{};
  info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
  info.protocols = Protocols();
  info.user = this;
  info.log_cx = &log_context_;
  info.pt_serv_buf_size = 64 * 1024;
  info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
  info.event_lib_custom = EpollLoop::EventLibrary();
  info.foreign_loops = loops;
  info.retry_and_idle_policy = &no_validity_timer;
  // Its tables are made for the limit of this moment, and it writes beyond them for a higher one.
  max_descriptors_ = int(std::min<int64_t>(sysconf(_SC_OPEN_MAX), kMaxDescriptors));
  context_ = lws_create_context(&info);
  if (context_ == nullptr)
    return Status::Error("ERR_FANWIRE_ENGINE", "libwebsockets could not make a context");
  loop_.set_context(context_);
  info.vhost_name = "fanwire";
  vhost_ = lws_create_vhost(context_, &info);
  if (vhost_ == nullptr)
    return Status::Error("ERR_FANWIRE_ENGINE", "libwebsockets could not make a vhost");
  return {};
}

Status Reactor::Start() {
  sigset_t all, before;  // signals are the application's
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  Status status;
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error& error) {
    status = Status::FromErrno("pthread_create", error.code().value(), "");
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return status;
}

void Reactor::Join() {
  if (thread_.joinable()) thread_.join();
  if (context_ != nullptr)
    lws_context_destroy(std::exchange(context_, nullptr));  // it was opened, never started
  DropMail();
}

void Reactor::Wake() {
  if (loop_.Wake()) hub_->counters().wakes.AddShared();
}

void Reactor::PostStop() {
  stop_.store(true);
  loop_.Wake();
}

bool Reactor::IsFull() const {
  const uint32_t limit = group_.options().max_connections;
  return limit != 0 && group_.admitted().load(std::memory_order_relaxed) >= limit;
}

void Reactor::CountAdmitted(int change) { group_.admitted().fetch_add(uint32_t(change)); }

// ---- the loop ----

void Reactor::Run() {
  AskForShortSlices();
  pthread_setname_np(pthread_self(), ("fanwire-" + std::to_string(index_)).c_str());
  log_sink = hub_.get();
  while (!stop_.load()) {
    loop_.Wait(
        NextTimeoutMs(), [this] { return mailbox_.has_mail() || stop_.load(); },
        [this] { hub_->ReadClock(); });
    Round();
    if (shutting_down_ && (hub_->session_count() == 0 || hub_->now_ms() >= shutdown_due_ms_)) break;
  }
  hub_->TerminateAll(CloseCause::kShutdown);
  EndRound();
  listeners_.clear();
  lws_context_destroy(std::exchange(context_, nullptr));  // closes what is left, on its own thread
  EndRound();
  Ring();
  if (group_.LeaveLast()) group_.Ring();
}

int Reactor::NextTimeoutMs() const {
  if (hub_->has_retries()) return 1;
  const int64_t delay = hub_->timers().NextDelayMs(group_.clock().NowMs());
  return delay < 0 ? kMaxSleepMs : int(std::min<int64_t>(delay, kMaxSleepMs));
}

// The sockets that were ready have been read; now timers, mail, and one write for each session.
void Reactor::Round() {
  hub_->BeginRound();
  Ring();  // JavaScript works while we write
  TakeMail();
  WakePeers();
  if (!hub_->fan_out().idle()) Linger();
  EndRound();
  Ring();  // drains, closes
  hub_->counters().rounds.Add();
}

void Reactor::TakeMail() {
  if (!mailbox_.has_mail()) return;
  if (taken_count_ == taken_.size()) taken_.emplace_back();
  Batch& batch = taken_[taken_count_++];
  mailbox_.Take(batch);
  Execute(batch);
  if (mailbox_.TakeRefused()) events_.Append({}, EventKind::kWritable, 0, 0, 0);
}

// Nobody will read it any more: sockets that were on their way end here.
void Reactor::DropMail() {
  Batch batch;
  mailbox_.Take(batch);
  for (const Command& command : batch.commands) {
    if (command.kind == CommandKind::kAdopt) close(command.rare->fd);
  }
}

// A big fan-out costs microseconds per member. What is published within the next few would cost
// each of them another write, so gather a little: at most a small part of the fan-out's own price,
// and not again when it never pays.
void Reactor::Linger() {
  FanOut& fan_out = hub_->fan_out();
  const size_t before = fan_out.open_messages();
  const int64_t us =
      std::min<int64_t>(int64_t(fan_out.open_receivers()) * 3 / 32, group_.options().linger_us);
  if (us < 10 || (linger_misses_ >= 4 && ++linger_misses_ % 64 != 0)) return;
  hub_->counters().lingers.Add();
  taken_.reserve(taken_count_ + 64);
  const int64_t until = NowNs() + us * 1'000;
  for (int64_t left = us * 1'000; left > 0 && taken_count_ < taken_.capacity();
       left = until - NowNs()) {
    loop_.WaitBriefly(left, [this] { return mailbox_.has_mail(); });
    Ring();
    TakeMail();
    WakePeers();
  }
  linger_misses_ = fan_out.open_messages() > before ? 0 : linger_misses_ + 1;
}

void Reactor::EndRound() {
  hub_->EndRound();
  // Closing calls back, and may close more.
  for (size_t i = 0; i < closing_.size(); i++) {  // NOLINT(modernize-loop-convert)
    if (lws* wsi = closing_[i]->wsi())
      lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
  }
  closing_.clear();
  dead_.clear();
  retired_.clear();
  for (size_t i = 0; i < taken_count_; i++) taken_[i].Clear();
  taken_count_ = 0;
}

void Reactor::Ring() {
  if (!events_.Commit()) return;
  hub_->counters().rings.Add();
  group_.Ring();
}

void Reactor::WakePeers() {
  const ReactorSet self = ReactorSet{1} << index_;
  group_.Wake(std::exchange(hub_->posted(), 0) & ~self);
}

// ---- commands ----

void Reactor::Execute(Batch& batch) {
  for (Command& command : batch.commands) {
    if (command.kind < CommandKind::kAccept) {
      hub_->Execute(command, batch.bytes);
      if (hub_->fan_out().heavy()) hub_->fan_out().Flush();
    } else {
      ExecuteOwn(command);
    }
  }
}

void Reactor::ExecuteOwn(Command& command) {
  switch (command.kind) {
    case CommandKind::kAccept:
    case CommandKind::kRefuse: {
      auto found = pending_.find(command.id.index());
      if (found == pending_.end() || found->second->handshake()->id() != command.id) return;
      Handshake* handshake = found->second->handshake();
      if (command.kind == CommandKind::kAccept) return handshake->Accept(command.rare->text);
      return handshake->Refuse(command.code, command.rare->lines, command.rare->text);
    }
    case CommandKind::kAdopt: {
      RareFields& rare = *command.rare;
      return Adopt(rare.fd, PeerAddress::OfSocket(rare.fd), rare.endpoint, rare.token, rare.text);
    }
    case CommandKind::kListen:
      return Listen(command.rare->listener);
    case CommandKind::kUnlisten:
      return Unlisten(*command.rare->listener);
    case CommandKind::kRoutes:
      routes_ = command.rare->routes;
      return;
    case CommandKind::kShutdown:
      return BeginShutdown(command);
    default:
      return;
  }
}

void Reactor::Adopt(int fd, const PeerAddress& peer, int32_t endpoint, uint32_t token,
                    std::string& head) {
  CountConnections(1);
  hub_->counters().connections.Add();
  hub_->counters().accepted.Add();
  lws* wsi = nullptr;
  auto connection = std::make_unique<Connection>(*this);
  if (fd >= max_descriptors_) {
    hub_->Log(LogLevel::kError, "a descriptor is above the limit that held when the engine began");
  }
  if (shutting_down_ || fd >= max_descriptors_) {
    close(fd);
  } else {
    lws_adopt_desc_t info{};
    info.vh = vhost_;
    info.type = LWS_ADOPT_SOCKET;
    info.fd.sockfd = fd;
    info.vh_prot_name = Protocols()[0].name;
    wsi = lws_adopt_descriptor_vhost_via_info(&info);  // closes the socket if it fails
  }
  Connection* raw = connection.release();  // the opaque pointer holds it until OnClosed()
  if (wsi == nullptr) return Bury(*raw);
  lws_set_opaque_user_data(wsi, raw);  // not before: a failed adoption calls back, too
  raw->Attach(wsi);
  raw->StartHandshake(std::make_unique<Handshake>(*raw, peer, endpoint, token));
  if (!head.empty()) raw->OnBytes(reinterpret_cast<uint8_t*>(head.data()), head.size());
}

void Reactor::Bury(Connection& connection) {
  dead_.emplace_back(&connection);
  load_.fetch_sub(1, std::memory_order_relaxed);
  hub_->counters().connections.Subtract();
  CountConnections(-1);
}

// JavaScript asks for the number when it is told; until then it need not be told again.
void Reactor::CountConnections(int change) {
  if (group_.AddConnections(change)) events_.Append({}, EventKind::kBusy, 0, 0, 0);
}

void Reactor::Retire(std::unique_ptr<Handshake> handshake) {
  retired_.push_back(std::move(handshake));
}

int Reactor::OnLws(lws* wsi, lws_callback_reasons reason, void* /*user*/, void* in, size_t size) {
  auto* connection =
      wsi != nullptr ? static_cast<Connection*>(lws_get_opaque_user_data(wsi)) : nullptr;
  if (connection == nullptr) return 0;
  switch (reason) {
    case LWS_CALLBACK_RAW_RX:
      connection->OnBytes(static_cast<uint8_t*>(in), size);
      return 0;
    case LWS_CALLBACK_RAW_WRITEABLE:
      connection->OnWritable();
      return 0;
    case LWS_CALLBACK_RAW_CLOSE:
      lws_set_opaque_user_data(wsi, nullptr);
      connection->OnClosed();
      return 0;
    default:
      return 0;
  }
}

// ---- doors ----

void Reactor::Listen(const std::shared_ptr<Listener>& listener) {
  if (shutting_down_) return;
  if (Status status = loop_.AddHandler(listener->fd(), this); !status.ok()) {
    return hub_->Log(LogLevel::kError, status.message());
  }
  if (accepting_paused_) loop_.SetHandlerActive(listener->fd(), false);
  listeners_.push_back(listener);
}

void Reactor::Unlisten(const Listener& listener) {
  auto found = std::find_if(listeners_.begin(), listeners_.end(),
                            [&](const auto& l) { return l.get() == &listener; });
  if (found == listeners_.end()) return;
  loop_.RemoveHandler(listener.fd());
  listeners_.erase(found);
}

void Reactor::OnReady(int fd) {
  auto found = std::find_if(listeners_.begin(), listeners_.end(),
                            [&](const auto& l) { return l->fd() == fd; });
  if (found == listeners_.end()) return;
  std::string no_head;
  for (int i = 0; i < kAcceptsPerRound; i++) {
    PeerAddress peer;
    const int socket = (*found)->Accept(&peer);
    if (socket < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (Listener::IsExhaustion(errno)) PauseAccepting(errno);
      return;
    }
    Reactor& to = group_.LeastLoaded();
    to.AddLoad();
    if (&to == this) {
      Adopt(socket, peer, -1, 0, no_head);
      continue;
    }
    to.mailbox_.PostWith(0, [&](Batch& batch) {
      Command& command = batch.Add(CommandKind::kAdopt, {});
      command.rare = std::make_unique<RareFields>();
      command.rare->fd = socket;
    });
    hub_->posted() |= ReactorSet{1} << to.index_;
  }
}

void Reactor::PauseAccepting(int error_number) {
  if (std::exchange(accepting_paused_, true)) return;
  hub_->Log(LogLevel::kWarn,
            Status::FromErrno("accept", error_number, "; accepting pauses").message());
  for (const auto& listener : listeners_) loop_.SetHandlerActive(listener->fd(), false);
  hub_->timers().Set(timer_, hub_->now_ms() + kAcceptPauseMs);
}

void Reactor::OnTimer() {
  if (shutting_down_) return;  // Run() looks at the time itself
  accepting_paused_ = false;
  for (const auto& listener : listeners_) loop_.SetHandlerActive(listener->fd(), true);
}

void Reactor::BeginShutdown(const Command& command) {
  if (std::exchange(shutting_down_, true)) return;
  for (const auto& listener : listeners_) loop_.RemoveHandler(listener->fd());
  listeners_.clear();
  shutdown_due_ms_ = hub_->now_ms() + command.size;
  hub_->timers().Set(timer_, shutdown_due_ms_);
  hub_->CloseAll(command.code, command.rare->text, CloseCause::kShutdown);
}

}  // namespace fanwire
