// Channel, ChannelDirectory: who is in which room and which user has which sessions; the order of
// each channel.
// Path:      publisher -> [channel_directory] -> mailboxes of the reactors that have members
// Threading: any thread. Rooms are in shards with a mutex each; a publisher, a join and a leave of
//            one channel take the same one, and push to mailboxes under it. A lock and not a
//            message: a hop would lose program order.
// Lifetime:  a Channel is registered while it has members; references keep the object, not the
//            registration.
//
// Guarantees: one order for all members of a channel; what one thread sends to one session, by
// whichever call, arrives in the order of the calls; a join sees exactly what is published after
// it; Size() answers at once. Lock order: shard, then a session table's stripe, then a mailbox.
#ifndef FANWIRE_CORE_CHANNEL_DIRECTORY_H_
#define FANWIRE_CORE_CHANNEL_DIRECTORY_H_

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/batch.h"
#include "core/room_members.h"
#include "core/session_table.h"

namespace fanwire {

class Channel : public std::enable_shared_from_this<Channel> {
 public:
  Channel(ChannelKind kind, std::string name, uint32_t shard, size_t reactors)
      : kind_(kind),
        name_(std::move(name)),
        shard_(shard),
        members_on_(reactors),
        local_(reactors) {}

  ChannelKind kind() const { return kind_; }
  const std::string& name() const { return name_; }
  // The members on one reactor: touched by that reactor alone.
  RoomMembers& local(uint32_t reactor) { return local_[reactor]; }

 private:
  friend class ChannelDirectory;
  const ChannelKind kind_;
  const std::string name_;
  const uint32_t shard_;
  // Guarded by the shard's mutex.
  bool registered_ = false;
  std::unordered_set<SessionId> members_;
  std::vector<uint32_t> members_on_;  // per reactor
  std::vector<RoomMembers> local_;    // per reactor, each owned by its reactor
};

// The reactors something was posted to; the poster wakes them when it suits it.
using ReactorSet = uint64_t;
inline constexpr uint32_t kMaxReactors = 64;

class ChannelDirectory {
 public:
  // One table and one mailbox for each reactor, in order.
  ChannelDirectory(std::vector<SessionTable*> tables, std::vector<ReactorMailbox*> mailboxes,
                   uint32_t max_rooms);
  ChannelDirectory(const ChannelDirectory&) = delete;
  ChannelDirectory& operator=(const ChannelDirectory&) = delete;

  // `joined`, if given, is the channel.
  JoinResult Join(SessionId id, ChannelKind kind, std::string_view name, ReactorSet* posted,
                  ChannelRef* joined = nullptr);
  bool Leave(SessionId id, ChannelKind kind, std::string_view name, ReactorSet* posted);
  // The session's own reactor, when it closes: no join succeeds after it. The reactor forgets its
  // members itself.
  void LeaveAll(SessionId id);

  // kQueued also when nobody is there. kRefused: a mailbox is full, nobody got it.
  SendResult Publish(ChannelKind kind, std::string_view name, const Message& message,
                     const std::vector<SessionId>& except, ReactorSet* posted);
  SendResult Publish(Channel& channel, const Message& message, const std::vector<SessionId>& except,
                     ReactorSet* posted);
  // To every open session.
  SendResult Broadcast(const Message& message, const std::vector<SessionId>& except,
                       ReactorSet* posted);

  // Asks that reactor to close its biggest holder of incomplete messages.
  void PostTrim(uint32_t reactor, ReactorSet* posted);

  size_t Size(ChannelKind kind, std::string_view name) const;
  std::vector<SessionId> Members(ChannelKind kind, std::string_view name) const;
  std::vector<std::string> RoomsOf(SessionId id) const;
  size_t channel_count() const;

 private:
  static constexpr size_t kShards = 64;
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string_view, ChannelRef>
        channels[2];  // by kind; keys view the channels' own names
  };

  Shard& ShardOf(std::string_view name, uint32_t* index);
  const Shard& ShardOf(std::string_view name) const;
  void Remove(Shard& shard, Channel& channel, SessionId id);
  SendResult PublishLocked(Channel& channel, const Message& message,
                           const std::vector<SessionId>& except, ReactorSet* posted);
  // No channel: a broadcast.
  void PostMessage(size_t reactor, ChannelRef channel, const Message& message,
                   const std::vector<SessionId>& except, ReactorSet* posted);
  void PostMembership(CommandKind kind, SessionId id, const ChannelRef& channel,
                      ReactorSet* posted);

  std::vector<SessionTable*> tables_;
  std::vector<ReactorMailbox*> mailboxes_;
  const uint32_t max_rooms_;
  std::array<Shard, kShards> shards_;
  std::mutex broadcast_mutex_;  // one order for broadcasts, too
};

}  // namespace fanwire

#endif  // FANWIRE_CORE_CHANNEL_DIRECTORY_H_
