#include "core/channel_directory.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace fanwire {

ChannelDirectory::ChannelDirectory(std::vector<SessionTable*> tables,
                                   std::vector<ReactorMailbox*> mailboxes, uint32_t max_rooms)
    : tables_(std::move(tables)), mailboxes_(std::move(mailboxes)), max_rooms_(max_rooms) {}

ChannelDirectory::Shard& ChannelDirectory::ShardOf(std::string_view name, uint32_t* index) {
  *index = uint32_t(std::hash<std::string_view>()(name) % kShards);
  return shards_[*index];
}

const ChannelDirectory::Shard& ChannelDirectory::ShardOf(std::string_view name) const {
  return shards_[std::hash<std::string_view>()(name) % kShards];
}

void ChannelDirectory::PostMembership(CommandKind kind, SessionId id, const ChannelRef& channel,
                                      ReactorSet* posted) {
  mailboxes_[id.reactor()]->PostWith(0,
                                     [&](Batch& batch) { batch.Add(kind, id).channel = channel; });
  *posted |= ReactorSet{1} << id.reactor();
}

void ChannelDirectory::PostMessage(size_t reactor, ChannelRef channel, const Message& message,
                                   const std::vector<SessionId>& except, ReactorSet* posted) {
  const size_t cost = message.frame.size() + sizeof(Command);
  mailboxes_[reactor]->PostWith(cost, [&](Batch& batch) {
    Command& command =
        batch.Add(channel != nullptr ? CommandKind::kDeliver : CommandKind::kBroadcast, {});
    command.channel = std::move(channel);
    command.message = message;
    batch.shared_bytes += message.frame.size();
    if (except.empty()) return;
    command.rare = std::make_unique<RareFields>();
    command.rare->except = except;
  });
  *posted |= ReactorSet{1} << reactor;
}

JoinResult ChannelDirectory::Join(SessionId id, ChannelKind kind, std::string_view name,
                                  ReactorSet* posted, ChannelRef* joined) {
  if (id.reactor() >= tables_.size()) return JoinResult::kGone;
  SessionTable& table = *tables_[id.reactor()];
  SessionRecord* record = table.At(id.index());
  if (record == nullptr) return JoinResult::kGone;
  uint32_t shard_index;
  Shard& shard = ShardOf(name, &shard_index);
  std::lock_guard<std::mutex> lock(shard.mutex);
  auto& channels = shard.channels[size_t(kind)];
  auto found = channels.find(name);
  ChannelRef channel = found != channels.end() ? found->second : nullptr;
  if (channel != nullptr && channel->members_.contains(id)) {
    if (joined != nullptr) *joined = channel;
    return JoinResult::kAlready;
  }
  {
    std::lock_guard<std::mutex> stripe(table.mutex(id.index()));
    if (record->closed_to_joins || record->StateOf(id.generation) >= SessionState::kClosing)
      return JoinResult::kGone;
    if (kind == ChannelKind::kRoom && record->channels.size() >= max_rooms_)
      return JoinResult::kTooMany;
    if (channel == nullptr) {
      channel = std::make_shared<Channel>(kind, std::string(name), shard_index, tables_.size());
      channel->registered_ = true;
      channels.emplace(channel->name(), channel);
    }
    record->channels.push_back(channel);
  }
  channel->members_.insert(id);
  channel->members_on_[id.reactor()]++;
  PostMembership(CommandKind::kJoin, id, channel, posted);
  if (joined != nullptr) *joined = std::move(channel);
  return JoinResult::kJoined;
}

bool ChannelDirectory::Leave(SessionId id, ChannelKind kind, std::string_view name,
                             ReactorSet* posted) {
  if (id.reactor() >= tables_.size()) return false;
  uint32_t shard_index;
  Shard& shard = ShardOf(name, &shard_index);
  std::lock_guard<std::mutex> lock(shard.mutex);
  auto found = shard.channels[size_t(kind)].find(name);
  if (found == shard.channels[size_t(kind)].end() || !found->second->members_.contains(id))
    return false;
  ChannelRef channel = found->second;
  SessionTable& table = *tables_[id.reactor()];
  {
    std::lock_guard<std::mutex> stripe(table.mutex(id.index()));
    std::erase(table.At(id.index())->channels, channel);
  }
  Remove(shard, *channel, id);
  PostMembership(CommandKind::kLeave, id, channel, posted);
  return true;
}

void ChannelDirectory::Remove(Shard& shard, Channel& channel, SessionId id) {
  if (channel.members_.erase(id) == 0) return;
  channel.members_on_[id.reactor()]--;
  if (!channel.members_.empty() || !channel.registered_) return;
  channel.registered_ = false;
  shard.channels[size_t(channel.kind())].erase(channel.name());  // the caller holds a reference
}

void ChannelDirectory::LeaveAll(SessionId id) {
  SessionTable& table = *tables_[id.reactor()];
  std::vector<ChannelRef> channels;
  {
    std::lock_guard<std::mutex> stripe(table.mutex(id.index()));
    SessionRecord& record = *table.At(id.index());
    record.closed_to_joins = true;
    channels.swap(record.channels);
  }
  for (const ChannelRef& channel : channels) {
    Shard& shard = shards_[channel->shard_];
    std::lock_guard<std::mutex> lock(shard.mutex);
    Remove(shard, *channel, id);
  }
}

SendResult ChannelDirectory::Publish(ChannelKind kind, std::string_view name,
                                     const Message& message, const std::vector<SessionId>& except,
                                     ReactorSet* posted) {
  uint32_t shard_index;
  Shard& shard = ShardOf(name, &shard_index);
  std::lock_guard<std::mutex> lock(shard.mutex);
  auto found = shard.channels[size_t(kind)].find(name);
  if (found == shard.channels[size_t(kind)].end()) return SendResult::kQueued;
  return PublishLocked(*found->second, message, except, posted);
}

SendResult ChannelDirectory::Publish(Channel& channel, const Message& message,
                                     const std::vector<SessionId>& except, ReactorSet* posted) {
  {
    std::lock_guard<std::mutex> lock(shards_[channel.shard_].mutex);
    if (channel.registered_) return PublishLocked(channel, message, except, posted);
  }
  return Publish(channel.kind(), channel.name(), message, except,
                 posted);  // it was emptied and made anew
}

SendResult ChannelDirectory::PublishLocked(Channel& channel, const Message& message,
                                           const std::vector<SessionId>& except,
                                           ReactorSet* posted) {
  const size_t cost = message.frame.size() + sizeof(Command);
  for (size_t r = 0; r < mailboxes_.size(); r++) {
    if (channel.members_on_[r] != 0 && mailboxes_[r]->Refuses(cost)) return SendResult::kRefused;
  }
  for (size_t r = 0; r < mailboxes_.size(); r++) {
    if (channel.members_on_[r] != 0)
      PostMessage(r, channel.shared_from_this(), message, except, posted);
  }
  return SendResult::kQueued;
}

SendResult ChannelDirectory::Broadcast(const Message& message, const std::vector<SessionId>& except,
                                       ReactorSet* posted) {
  std::lock_guard<std::mutex> lock(broadcast_mutex_);
  const size_t cost = message.frame.size() + sizeof(Command);
  for (ReactorMailbox* mailbox : mailboxes_) {
    if (mailbox->Refuses(cost)) return SendResult::kRefused;
  }
  for (size_t r = 0; r < mailboxes_.size(); r++) PostMessage(r, nullptr, message, except, posted);
  return SendResult::kQueued;
}

void ChannelDirectory::PostTrim(uint32_t reactor, ReactorSet* posted) {
  mailboxes_[reactor]->PostWith(0, [](Batch& batch) { batch.Add(CommandKind::kTrim, {}); });
  *posted |= ReactorSet{1} << reactor;
}

size_t ChannelDirectory::Size(ChannelKind kind, std::string_view name) const {
  const Shard& shard = ShardOf(name);
  std::lock_guard<std::mutex> lock(shard.mutex);
  auto found = shard.channels[size_t(kind)].find(name);
  return found != shard.channels[size_t(kind)].end() ? found->second->members_.size() : 0;
}

std::vector<SessionId> ChannelDirectory::Members(ChannelKind kind, std::string_view name) const {
  const Shard& shard = ShardOf(name);
  std::lock_guard<std::mutex> lock(shard.mutex);
  auto found = shard.channels[size_t(kind)].find(name);
  if (found == shard.channels[size_t(kind)].end()) return {};
  return {found->second->members_.begin(), found->second->members_.end()};
}

std::vector<std::string> ChannelDirectory::RoomsOf(SessionId id) const {
  std::vector<std::string> names;
  if (id.reactor() >= tables_.size()) return names;
  const SessionTable& table = *tables_[id.reactor()];
  SessionRecord* record = table.At(id.index());
  if (record == nullptr) return names;
  std::lock_guard<std::mutex> stripe(table.mutex(id.index()));
  if (record->generation() != id.generation) return names;
  for (const ChannelRef& channel : record->channels) {
    if (channel->kind() == ChannelKind::kRoom) names.push_back(channel->name());
  }
  return names;
}

size_t ChannelDirectory::channel_count() const {
  size_t count = 0;
  for (const Shard& shard : shards_) {
    std::lock_guard<std::mutex> lock(shard.mutex);
    count += shard.channels[0].size() + shard.channels[1].size();
  }
  return count;
}

}  // namespace fanwire
