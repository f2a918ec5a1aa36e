#include "core/channel_directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace fanwire {
namespace {

Message TextMessage(const std::string& text) {
  return Message::Frame(Opcode::kText, reinterpret_cast<const uint8_t*>(text.data()), text.size());
}
std::string TextOf(const Message& message) { return std::string(message.frame.view().substr(2)); }

// Tables and mailboxes of reactors, without the reactors.
class Reactors {
 public:
  explicit Reactors(size_t count, uint64_t max_mailbox = UINT64_MAX, uint32_t max_rooms = 1024) {
    for (uint32_t i = 0; i < count; i++) {
      tables.push_back(std::make_unique<SessionTable>(i));
      mailboxes.push_back(std::make_unique<ReactorMailbox>(max_mailbox));
      table_pointers_.push_back(tables.back().get());
      mailbox_pointers_.push_back(mailboxes.back().get());
    }
    directory = std::make_unique<ChannelDirectory>(table_pointers_, mailbox_pointers_, max_rooms);
  }
  SessionId Open(uint32_t reactor = 0) {
    const SessionId id = tables[reactor]->Allocate();
    tables[reactor]->At(id.index())->Advance(id.generation, SessionState::kOpen);
    return id;
  }
  Batch Take(size_t reactor = 0) {
    Batch batch;
    mailboxes[reactor]->Take(batch);
    return batch;
  }
  JoinResult Join(SessionId id, std::string_view room) {
    return directory->Join(id, ChannelKind::kRoom, room, &posted);
  }
  bool Leave(SessionId id, std::string_view room) {
    return directory->Leave(id, ChannelKind::kRoom, room, &posted);
  }
  SendResult Publish(std::string_view room, const std::string& text) {
    return directory->Publish(ChannelKind::kRoom, room, TextMessage(text), {}, &posted);
  }
  size_t Size(std::string_view room) { return directory->Size(ChannelKind::kRoom, room); }

  std::vector<std::unique_ptr<SessionTable>> tables;
  std::vector<std::unique_ptr<ReactorMailbox>> mailboxes;
  std::unique_ptr<ChannelDirectory> directory;
  ReactorSet posted = 0;

 private:
  std::vector<SessionTable*> table_pointers_;
  std::vector<ReactorMailbox*> mailbox_pointers_;
};

TEST(ChannelDirectoryTest, KnowsItsMembersAtOnce) {
  Reactors r(2);
  const SessionId a = r.Open(0), b = r.Open(1);
  EXPECT_EQ(r.Join(a, "news"), JoinResult::kJoined);
  EXPECT_EQ(r.Join(a, "news"), JoinResult::kAlready);
  EXPECT_EQ(r.Join(b, "news"), JoinResult::kJoined);
  EXPECT_EQ(r.Size("news"), 2u);
  std::vector<SessionId> members = r.directory->Members(ChannelKind::kRoom, "news");
  EXPECT_EQ(members.size(), 2u);
  EXPECT_EQ(r.directory->RoomsOf(a), std::vector<std::string>{"news"});
  EXPECT_TRUE(r.Leave(a, "news"));
  EXPECT_FALSE(r.Leave(a, "news"));
  EXPECT_EQ(r.Size("news"), 1u);
  EXPECT_TRUE(r.Leave(b, "news"));
  EXPECT_EQ(r.directory->channel_count(), 0u);
}

TEST(ChannelDirectoryTest, PostsOnlyToReactorsThatHaveMembers) {
  Reactors r(3);
  r.Join(r.Open(0), "news");
  r.Join(r.Open(2), "news");
  r.posted = 0;
  EXPECT_EQ(r.Publish("news", "hi"), SendResult::kQueued);
  EXPECT_EQ(r.posted, 0b101u);
  EXPECT_EQ(r.Take(0).commands.size(), 2u);  // the join, the message
  EXPECT_FALSE(r.mailboxes[1]->has_mail());
  EXPECT_EQ(r.Take(2).commands.size(), 2u);
}

TEST(ChannelDirectoryTest, AMessageToNobodyIsTaken) {
  Reactors r(1);
  EXPECT_EQ(r.Publish("nobody", "hi"), SendResult::kQueued);
  EXPECT_FALSE(r.mailboxes[0]->has_mail());
  EXPECT_EQ(r.directory->channel_count(), 0u);
}

TEST(ChannelDirectoryTest, RoomsAndUsersHaveNamesOfTheirOwn) {
  Reactors r(1);
  const SessionId id = r.Open();
  r.Join(id, "alice");
  EXPECT_EQ(r.directory->Size(ChannelKind::kUser, "alice"), 0u);
  EXPECT_EQ(r.directory->Join(id, ChannelKind::kUser, "alice", &r.posted), JoinResult::kJoined);
  EXPECT_EQ(r.directory->RoomsOf(id).size(), 1u);
  EXPECT_TRUE(r.Leave(id, "alice"));
  EXPECT_EQ(r.directory->Size(ChannelKind::kUser, "alice"), 1u);
}

TEST(ChannelDirectoryTest, PrototypeLikeNamesAreJustNames) {
  Reactors r(1);
  const SessionId id = r.Open();
  const std::string names[] = {"__proto__",
                               "constructor",
                               "toString",
                               "hasOwnProperty",
                               "",
                               " ",
                               "\xF0\x9F\x98\x80",
                               std::string("a\0b", 3),
                               std::string("a\0c", 3),
                               std::string(10'000, 'x')};
  for (const std::string& name : names) {
    EXPECT_EQ(r.Size(name), 0u);
    EXPECT_EQ(r.Join(id, name), JoinResult::kJoined);
    EXPECT_EQ(r.Size(name), 1u);
  }
  std::vector<std::string> rooms = r.directory->RoomsOf(id);
  EXPECT_EQ(std::set<std::string>(rooms.begin(), rooms.end()),
            std::set<std::string>(std::begin(names), std::end(names)));
}

TEST(ChannelDirectoryTest, ASessionHasALimitOfRoomsButNotOfUsers) {
  Reactors r(1, UINT64_MAX, 3);
  const SessionId id = r.Open();
  EXPECT_EQ(r.Join(id, "1"), JoinResult::kJoined);
  EXPECT_EQ(r.Join(id, "2"), JoinResult::kJoined);
  EXPECT_EQ(r.Join(id, "3"), JoinResult::kJoined);
  EXPECT_EQ(r.Join(id, "4"), JoinResult::kTooMany);
  EXPECT_EQ(r.Size("4"), 0u);
  EXPECT_EQ(r.directory->channel_count(), 3u);
  EXPECT_EQ(r.Join(id, "3"), JoinResult::kAlready);
  EXPECT_TRUE(r.Leave(id, "1"));
  EXPECT_EQ(r.Join(id, "4"), JoinResult::kJoined);
}

TEST(ChannelDirectoryTest, WhoIsGoneJoinsNothing) {
  Reactors r(1);
  const SessionId id = r.Open();
  EXPECT_EQ(r.Join({}, "x"), JoinResult::kGone);
  EXPECT_EQ(r.Join({id.slot + 1, 1}, "x"), JoinResult::kGone);
  EXPECT_EQ(r.Join({7u << SessionId::kIndexBits, 1}, "x"), JoinResult::kGone);
  EXPECT_EQ(r.Join({id.slot, id.generation + 1}, "x"), JoinResult::kGone);
  EXPECT_EQ(r.Join({id.slot | (SessionTable::kChunk * 2), 1}, "x"), JoinResult::kGone);
  EXPECT_FALSE(r.Leave({7u << SessionId::kIndexBits, 1}, "x"));
  EXPECT_TRUE(r.directory->RoomsOf({7u << SessionId::kIndexBits, 1}).empty());
  EXPECT_EQ(r.directory->channel_count(), 0u);
  r.directory->LeaveAll(id);
  EXPECT_EQ(r.Join(id, "x"), JoinResult::kGone);
}

TEST(ChannelDirectoryTest, LeaveAllLeavesAllAndLetsNothingIn) {
  Reactors r(1);
  const SessionId id = r.Open(), other = r.Open();
  for (int i = 0; i < 100; i++) r.Join(id, "room" + std::to_string(i));
  r.directory->Join(id, ChannelKind::kUser, "alice", &r.posted);
  r.Join(other, "room7");
  r.directory->LeaveAll(id);
  EXPECT_EQ(r.directory->channel_count(), 1u);
  EXPECT_EQ(r.Size("room7"), 1u);
  EXPECT_TRUE(r.directory->RoomsOf(id).empty());
  r.directory->LeaveAll(id);
  EXPECT_EQ(r.directory->channel_count(), 1u);
}

TEST(ChannelDirectoryTest, ARecycledIdIsInNoRoomOfTheOldOne) {
  Reactors r(1);
  const SessionId old = r.Open();
  r.Join(old, "news");
  r.directory->LeaveAll(old);
  r.tables[0]->Free(old);
  const SessionId id = r.Open();
  ASSERT_EQ(id.slot, old.slot);
  EXPECT_FALSE(r.Leave(old, "news"));
  EXPECT_EQ(r.Join(old, "news"), JoinResult::kGone);
  EXPECT_TRUE(r.directory->RoomsOf(id).empty());
  EXPECT_TRUE(r.directory->RoomsOf(old).empty());
  EXPECT_EQ(r.Join(id, "news"), JoinResult::kJoined);
  EXPECT_FALSE(r.Leave(old, "news"));
  EXPECT_EQ(r.Size("news"), 1u);
}

TEST(ChannelDirectoryTest, AFullMailboxRefusesTheWholeMessage) {
  Reactors r(2, 100);
  r.Join(r.Open(0), "both");
  r.Join(r.Open(1), "both");
  const SessionId only = r.Open(0);
  r.Join(only, "first");
  for (size_t i = 0; i < 2; i++) r.Take(i);
  while (r.Publish("first", std::string(40, 'x')) == SendResult::kQueued) {
  }
  EXPECT_EQ(r.Publish("both", std::string(40, 'x')), SendResult::kRefused);
  EXPECT_FALSE(r.mailboxes[1]->has_mail());
  EXPECT_EQ(r.directory->Broadcast(TextMessage(std::string(40, 'x')), {}, &r.posted),
            SendResult::kRefused);
  EXPECT_FALSE(r.mailboxes[1]->has_mail());
  EXPECT_TRUE(r.Leave(only, "first"));  // a leave is never refused
  r.Take(0);
  EXPECT_TRUE(r.mailboxes[0]->TakeRefused());
  EXPECT_EQ(r.Publish("both", std::string(40, 'x')), SendResult::kQueued);
  EXPECT_TRUE(r.mailboxes[1]->has_mail());
}

TEST(ChannelDirectoryTest, AHeldChannelFollowsItsNameWhenItIsMadeAnew) {
  Reactors r(1);
  const SessionId a = r.Open(), b = r.Open();
  ChannelRef held;
  r.directory->Join(a, ChannelKind::kRoom, "news", &r.posted, &held);
  r.Leave(a, "news");
  r.Take();
  EXPECT_EQ(r.directory->Publish(*held, TextMessage("1"), {}, &r.posted), SendResult::kQueued);
  EXPECT_FALSE(r.mailboxes[0]->has_mail());  // nobody there
  r.Join(b, "news");
  r.Take();
  EXPECT_EQ(r.directory->Publish(*held, TextMessage("2"), {}, &r.posted), SendResult::kQueued);
  const Batch batch = r.Take();
  ASSERT_EQ(batch.commands.size(), 1u);
  EXPECT_NE(batch.commands[0].channel, held);
}

TEST(ChannelDirectoryTest, CommandsKeepTheOrderOfTheCalls) {
  Reactors r(1);
  const SessionId id = r.Open();
  r.Publish("news", "before");
  r.Join(id, "news");
  r.Publish("news", "1");
  r.mailboxes[0]->PostWith(0, [&](Batch& batch) { batch.Add(CommandKind::kSend, id); });
  r.directory->Broadcast(TextMessage("all"), {id}, &r.posted);
  r.Publish("news", "2");
  r.Leave(id, "news");
  r.Publish("news", "after");
  const Batch batch = r.Take();
  std::vector<CommandKind> kinds;
  for (const Command& command : batch.commands) kinds.push_back(command.kind);
  EXPECT_EQ(kinds, (std::vector<CommandKind>{CommandKind::kJoin, CommandKind::kDeliver,
                                             CommandKind::kSend, CommandKind::kBroadcast,
                                             CommandKind::kDeliver, CommandKind::kLeave}));
  EXPECT_EQ(batch.commands[3].rare->except, std::vector<SessionId>{id});
}

// A reactor of its own thread: keeps who is where and what each member saw.
class Listening {
 public:
  explicit Listening(ReactorMailbox& mailbox) : thread_([this, &mailbox] { Run(mailbox); }) {}
  void Stop() {
    stop_ = true;
    thread_.join();
  }
  // By session, what it saw of the one room, a join being an empty string.
  std::map<uint64_t, std::vector<std::string>> seen;

 private:
  void Run(ReactorMailbox& mailbox) {
    std::set<uint64_t> members;
    while (!stop_ || mailbox.has_mail()) {
      Batch batch;
      mailbox.Take(batch);
      for (const Command& command : batch.commands) {
        if (command.kind == CommandKind::kJoin) {
          EXPECT_TRUE(members.insert(command.id.packed()).second);
          seen[command.id.packed()].emplace_back();
        } else if (command.kind == CommandKind::kLeave) {
          EXPECT_EQ(members.erase(command.id.packed()), 1u);
        } else {
          for (const uint64_t member : members) seen[member].push_back(TextOf(command.message));
        }
      }
      std::this_thread::yield();
    }
  }

  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// Each stay's messages, cut at the joins.
std::vector<std::vector<std::string>> StaysOf(const std::vector<std::string>& seen) {
  std::vector<std::vector<std::string>> stays;
  for (const std::string& text : seen) {
    if (text.empty()) {
      stays.emplace_back();
    } else {
      stays.back().push_back(text);
    }
  }
  return stays;
}

TEST(ChannelDirectoryTest, AllMembersSeeOneOrderAndEachStayIsAStretchOfIt) {
  constexpr uint32_t kReactors = 3;
  constexpr int kPublishers = 3, kEach = 1'500;
  Reactors r(kReactors);
  std::vector<SessionId> stayers, movers;
  for (uint32_t i = 0; i < kReactors; i++) {
    stayers.push_back(r.Open(i));
    movers.push_back(r.Open(i));
    r.Join(stayers.back(), "news");
  }
  std::vector<std::unique_ptr<Listening>> reactors;
  for (auto& mailbox : r.mailboxes) reactors.push_back(std::make_unique<Listening>(*mailbox));

  std::vector<std::thread> threads;
  std::atomic<int> running{kPublishers};
  for (int p = 0; p < kPublishers; p++) {
    threads.emplace_back([&, p] {
      ReactorSet posted = 0;
      for (int i = 0; i < kEach; i++) {
        const Message message = TextMessage(std::to_string(p) + ":" + std::to_string(i));
        EXPECT_EQ(r.directory->Publish(ChannelKind::kRoom, "news", message, {}, &posted),
                  SendResult::kQueued);
        if (i % 32 == 0) std::this_thread::yield();
      }
      running--;
    });
  }
  threads.emplace_back([&] {
    ReactorSet posted = 0;
    for (size_t i = 0; running > 0; i++) {
      const SessionId id = movers[i % movers.size()];
      EXPECT_EQ(r.directory->Join(id, ChannelKind::kRoom, "news", &posted), JoinResult::kJoined);
      std::this_thread::yield();
      EXPECT_TRUE(r.directory->Leave(id, ChannelKind::kRoom, "news", &posted));
    }
  });
  for (std::thread& thread : threads) thread.join();
  for (auto& reactor : reactors) reactor->Stop();

  const std::vector<std::string> all = StaysOf(reactors[0]->seen[stayers[0].packed()])[0];
  ASSERT_EQ(all.size(), size_t{kPublishers} * kEach);
  std::map<std::string, size_t> place;
  int next[kPublishers] = {};
  for (size_t i = 0; i < all.size(); i++) {
    place[all[i]] = i;
    EXPECT_EQ(std::stoi(all[i].substr(2)), next[all[i][0] - '0']++);
  }
  for (uint32_t i = 0; i < kReactors; i++) {
    EXPECT_EQ(StaysOf(reactors[i]->seen[stayers[i].packed()])[0], all);
    for (const auto& stay : StaysOf(reactors[i]->seen[movers[i].packed()])) {
      for (size_t k = 0; k < stay.size(); k++) ASSERT_EQ(place[stay[k]], place[stay[0]] + k);
    }
  }
}

// What a publisher sends right after its join is seen by whom it has joined: all of it, and nothing
// from before.
TEST(ChannelDirectoryTest, AJoinSeesExactlyWhatComesAfterIt) {
  Reactors r(2);
  std::vector<std::unique_ptr<Listening>> reactors;
  for (auto& mailbox : r.mailboxes) reactors.push_back(std::make_unique<Listening>(*mailbox));
  std::vector<SessionId> ids;
  std::vector<std::string> published;
  for (int i = 0; i < 200; i++) {
    ids.push_back(r.Open(uint32_t(i % 2)));
    EXPECT_EQ(r.Join(ids.back(), "news"), JoinResult::kJoined);
    published.push_back(std::to_string(i));
    r.Publish("news", published.back());
  }
  for (auto& reactor : reactors) reactor->Stop();
  for (size_t i = 0; i < ids.size(); i++) {
    const auto stays = StaysOf(reactors[i % 2]->seen[ids[i].packed()]);
    ASSERT_EQ(stays.size(), 1u);
    EXPECT_EQ(stays[0], std::vector<std::string>(published.begin() + int64_t(i), published.end()));
  }
}

TEST(ChannelDirectoryTest, ManyThreadsMayJoinLeaveAndEndAtOnce) {
  Reactors r(2);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  std::vector<std::vector<SessionId>> ids(2);
  for (uint32_t reactor = 0; reactor < 2; reactor++) {
    for (int i = 0; i < 50; i++) ids[reactor].push_back(r.Open(reactor));
  }
  for (int t = 0; t < 2; t++) {  // the application's side
    threads.emplace_back([&, t] {
      ReactorSet posted = 0;
      for (size_t i = 0; !stop; i++) {
        const SessionId id = ids[i % 2][i / 2 % 50];
        const std::string room = "room" + std::to_string((i + size_t(t)) % 5);
        r.directory->Join(id, ChannelKind::kRoom, room, &posted);
        r.directory->Publish(ChannelKind::kRoom, room, TextMessage("x"), {id}, &posted);
        static_cast<void>(r.directory->Members(ChannelKind::kRoom, room));
        static_cast<void>(r.directory->RoomsOf(id));
        if (i % 3 == 0) r.directory->Leave(id, ChannelKind::kRoom, room, &posted);
      }
    });
  }
  for (uint32_t reactor = 0; reactor < 2;
       reactor++) {  // the reactors end their sessions, and read their mail
    threads.emplace_back([&, reactor] {
      for (const SessionId id : ids[reactor]) {
        for (int i = 0; i < 20; i++) {
          static_cast<void>(r.Take(reactor));
          std::this_thread::yield();
        }
        r.directory->LeaveAll(id);
        r.tables[reactor]->At(id.index())->Advance(id.generation, SessionState::kClosed);
      }
    });
  }
  threads[2].join();
  threads[3].join();
  stop = true;
  threads[0].join();
  threads[1].join();
  EXPECT_EQ(r.directory->channel_count(), 0u);
}

}  // namespace
}  // namespace fanwire
