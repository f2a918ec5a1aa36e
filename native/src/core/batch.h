// Command, Batch: what is posted to a reactor, many at once.
// Path:      application, other reactors -> [batch in a mailbox] -> reactor
// Threading: a batch belongs to one producer, then to the mailbox, then to the reactor.
// Lifetime:  the reactor keeps a taken batch until its round has been flushed: segments point into
//            it.
#ifndef FANWIRE_CORE_BATCH_H_
#define FANWIRE_CORE_BATCH_H_

#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_buffer.h"
#include "base/mailbox.h"
#include "core/message.h"
#include "fanwire/close_code.h"
#include "fanwire/command.h"

namespace fanwire {

class Channel;
class RouteTable;
class Listener;
using ChannelRef = std::shared_ptr<Channel>;

enum class CommandKind : uint8_t {
  kSend,         // id, bytes [offset, offset + size) of the batch: framed
  kSendMessage,  // id, message
  kDeliver,      // channel, message, rare->except
  kBroadcast,    // message, rare->except
  kJoin,         // id, channel
  kLeave,        // id, channel
  kClose,        // id, code, cause, rare->text: the reason
  kTerminate,    // id, cause
  kResume,       // id: credit has come back
  kRelease,      // id: JavaScript has seen the close
  kTrim,         // incomplete messages are over their limit, and this reactor holds most of them
  kAccept,       // id, rare->text: header lines
  kRefuse,       // id, code: status, rare->lines, rare->text: body
  kAdopt,     // rare->fd, rare->endpoint, rare->token, rare->text: the head and what came with it
  kListen,    // rare->listener
  kUnlisten,  // rare->listener
  kRoutes,    // rare->routes
  kShutdown,  // code, rare->text: the reason, size: grace in ms
};

// What few commands carry.
struct RareFields {
  std::vector<SessionId> except;
  std::string text, lines;
  std::shared_ptr<const RouteTable> routes;
  std::shared_ptr<Listener> listener;
  uint32_t token = 0;
  int fd = -1;
  int32_t endpoint = -1;
};

struct Command {
  CommandKind kind = CommandKind::kSend;
  CloseCause cause = CloseCause::kApplication;
  uint16_t code = 0;
  uint32_t size = 0;
  uint64_t offset = 0;
  uint32_t frames = 1;
  SessionId id;
  ChannelRef channel;
  Message message;
  std::unique_ptr<RareFields> rare;
};

class Batch {
 public:
  static constexpr size_t kKeptCommands = 16 * 1024;

  bool empty() const { return commands.empty(); }
  uint64_t cost() const { return bytes.size() + shared_bytes + commands.size() * sizeof(Command); }

  Command& Add(CommandKind kind, SessionId id) {
    Command& command = commands.emplace_back();
    command.kind = kind;
    command.id = id;
    return command;
  }
  // The bytes from `from` to the end are framed messages for `id`. Consecutive ones become one
  // command, and so one write.
  void EndSend(SessionId id, uint64_t from) {
    const auto size = uint32_t(bytes.size() - from);
    if (!commands.empty()) {
      Command& last = commands.back();
      if (last.kind == CommandKind::kSend && last.id == id &&
          last.size + uint64_t{size} < (1u << 30)) {
        last.size += size;
        last.frames++;
        return;
      }
    }
    Command& command = Add(CommandKind::kSend, id);
    command.offset = from;
    command.size = size;
  }
  void Append(Batch& o) {
    const uint64_t base = bytes.size();
    bytes.Append(o.bytes.data(), o.bytes.size());
    for (Command& command : o.commands) command.offset += base;
    commands.insert(commands.end(), std::make_move_iterator(o.commands.begin()),
                    std::make_move_iterator(o.commands.end()));
    shared_bytes += o.shared_bytes;
    o.Clear();
  }
  void Clear() {
    commands.clear();
    if (commands.capacity() > kKeptCommands) commands.shrink_to_fit();
    bytes.Clear();
    shared_bytes = 0;
  }

  std::vector<Command> commands;
  ByteBuffer bytes;
  uint64_t shared_bytes = 0;  // referenced by messages
};

using ReactorMailbox = Mailbox<Batch>;

}  // namespace fanwire

#endif  // FANWIRE_CORE_BATCH_H_
