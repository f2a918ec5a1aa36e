// Engine: all that the binding may ask of the native core.
// Path:      application -> [engine] -> mailboxes -> reactors; reactors -> slabs -> [engine] ->
//            application
// Threading: one application thread calls it (JavaScript's); nothing here waits for a reactor but
//            Stop() and Join().
// Lifetime:  Stop() or the destructor ends its threads at once; Shutdown(), the kStopped event and
//            Join() do so in order.
#ifndef FANWIRE_ENGINE_H_
#define FANWIRE_ENGINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fanwire/close_code.h"
#include "fanwire/command.h"
#include "fanwire/event.h"
#include "fanwire/options.h"
#include "fanwire/status.h"

namespace fanwire {

struct SessionInfo {
  std::string head;  // request line and header lines, as they came
  std::string remote_address;
  uint16_t remote_port = 0;
  uint16_t endpoint = 0;
  std::optional<std::string> user;
};

struct EngineStats {
  using Counts = std::vector<std::pair<const char*, uint64_t>>;
  Counts total;
  std::vector<Counts> reactors;
};

class Engine {
 public:
  // `ring` is called by any thread, often, when there are events: it wakes the application thread
  // and returns.
  static Status Create(const EngineOptions& options, std::function<void()> ring,
                       std::unique_ptr<Engine>* out);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  // Doors and endpoints.
  Status AddEndpoint(const EndpointOptions& options, uint16_t* index);
  Status Listen(const ListenOptions& options, ListenResult* result);
  bool Unlisten(uint32_t id);
  // Takes over a connected socket by a duplicate of `fd`; `head` is the request and all that was
  // read after it. A token that open and authenticate events repeat, or 0 with errno.
  uint32_t Adopt(int fd, std::string head, uint16_t endpoint);

  // The verdict on a kAuthenticate event. False: the client has left. `header_lines` are checked by
  // the caller.
  bool Accept(SessionId id, std::string header_lines, const std::optional<std::string>& user);
  bool Refuse(SessionId id, uint16_t status, std::string header_lines, std::string body);

  // Sends. What is posted leaves at the next Flush() or before.
  SendResult Send(SessionId id, const uint8_t* data, size_t size, uint8_t flags,
                  std::string_view key);
  SendResult Publish(ChannelKind kind, std::string_view name, const uint8_t* data, size_t size,
                     uint8_t flags, std::string_view key, const std::vector<SessionId>& except);
  SendResult Broadcast(const uint8_t* data, size_t size, uint8_t flags, std::string_view key,
                       const std::vector<SessionId>& except);
  size_t SendMany(const std::vector<SessionId>& ids, const uint8_t* data, size_t size,
                  uint8_t flags, std::string_view key);
  void Flush();

  // Rooms and users.
  JoinResult Join(SessionId id, std::string_view room);
  bool Leave(SessionId id, std::string_view room);
  bool Identify(SessionId id, const std::optional<std::string>& user);
  std::vector<std::string> Rooms(SessionId id) const;
  size_t ChannelSize(ChannelKind kind, std::string_view name) const;
  std::vector<SessionId> Members(ChannelKind kind, std::string_view name) const;

  // Sessions.
  bool Close(SessionId id, uint16_t code, std::string reason, CloseCause cause);
  bool Terminate(SessionId id, CloseCause cause);
  SessionState State(SessionId id) const;
  uint32_t BufferedBytes(SessionId id) const;
  std::optional<SessionInfo> Info(SessionId id) const;
  std::vector<SessionId> Sessions(int32_t endpoint) const;  // open ones; -1: of all endpoints

  // Events, of one reactor after the other from 0 on. A range is read, then settled; a retired one
  // is then given back. kStopped comes in a pass that began after every reactor had ended.
  size_t reactor_count() const;
  void TakeEvents(size_t reactor, std::vector<SlabRange>& out);
  bool WillReuse(size_t reactor, const Slab& slab) const;
  void SettleRange(
      const SlabRange&
          range);  // gives back the credit of its records that are not marked unsettled
  void RetireSlab(size_t reactor, Slab* slab);
  void Settle(SessionId id, uint32_t bytes);

  uint32_t connection_count() const;
  // The least severe level of kLog events that are wanted: 0 errors only ... 3 debug; -1, as at
  // first: none.
  void SetLogLevel(int level);
  EngineStats Stats() const;

  // Life.
  void Shutdown(uint16_t code, const std::string& reason, uint32_t grace_ms);
  void Join();
  void Stop();

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Header lines that are safe to put into a response: 'Name: value\r\n', again and again.
bool IsSafeHeaderBlock(std::string_view lines);

}  // namespace fanwire

#endif  // FANWIRE_ENGINE_H_
