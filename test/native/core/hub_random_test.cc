// Everything at random, many times: clients that send, read slowly, lie and leave; an application
// that settles late, sends, closes. Whatever happens, the promises hold.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "test/native/core/memory_engine.h"

namespace fanwire {
namespace {

using test::Bytes;
using test::Join;
using test::Masked;
using test::MemoryClient;
using test::MemoryEngine;
using test::MemoryStream;
using Events = std::vector<std::string>;

struct Frame {
  uint8_t first_byte;
  std::string payload;
};

// The whole frames of a server's bytes; what is cut at the end is left out.
std::vector<Frame> FramesIn(const std::string& sent) {
  std::vector<Frame> frames;
  for (size_t at = 0; at < sent.size();) {
    const auto* p = reinterpret_cast<const uint8_t*>(sent.data()) + at;
    const size_t size = FrameSizeAt(p, sent.size() - at);
    if (size == 0 || at + size > sent.size()) break;
    const size_t header = p[1] < 126 ? 2 : p[1] == 126 ? 4 : 10;
    frames.push_back({p[0], sent.substr(at + header, size - header)});
    at += size;
  }
  return frames;
}

class World {
 public:
  explicit World(uint32_t seed) : random_(seed) {
    EngineOptions options;
    options.max_mailbox_bytes = 3'000;
    options.max_incomplete_bytes = 300'000;
    engine_ = std::make_unique<MemoryEngine>(options, 2);
    for (uint32_t i = 0; i < 8; i++) {
      EndpointOptions endpoint;
      endpoint.deliver = endpoint.close = i != 0;
      endpoint.open = i % 2 == 1;
      endpoint.publish_to = i % 3 == 0 ? "common" : "";
      endpoint.except_sender = i % 2 == 0;
      endpoint.max_message_bytes = 100'000;
      endpoint.overflow = OverflowPolicy(i % 4);
      endpoint.max_buffered_bytes = i < 4 ? 2'000 : 400'000;
      endpoint.high_water_mark_bytes = 500;
      endpoint.ping_interval_ms = i % 4 == 3 ? 0 : 7'000;
      endpoint.pong_timeout_ms = 9'000;
      endpoint.send_timeout_ms = 8'000;
      endpoints_.push_back(&engine_->AddEndpoint(endpoint));
    }
  }

  void Run() {
    for (int step = 0; step < 1'500; step++) {
      if (people_.size() < 12) Connect();
      Step(people_[Below(uint32_t(people_.size()))]);
      if (Below(3) == 0) engine_->Round();
      if (Below(10) == 0) Settle();
      if (Below(50) == 0) engine_->Advance(Below(6'000));
      Bury();
    }
    for (Person& person : people_) engine_->Lose(*person.client);
    for (int i = 0; i < 500; i++) {
      engine_->Round();
      Settle();
      Settle();
    }
    Bury();
    for (const Person& person : people_) ADD_FAILURE() << "never ended: " << person.client->id.slot;
    for (uint32_t r = 0; r < 2; r++) {
      EXPECT_EQ(engine_->hub(r).session_count(), 0u);
      EXPECT_EQ(engine_->hub(r).timers().size(), 0u);
      EXPECT_EQ(engine_->counters(r).outbox_bytes.value(), 0u);
      EXPECT_EQ(engine_->counters(r).sessions.value(), 0u);
    }
    EXPECT_EQ(engine_->incomplete_bytes(), 0u);
    EXPECT_EQ(engine_->directory().channel_count(), 0u);
  }

 private:
  struct Person {
    MemoryClient* client;
    const Endpoint* endpoint;
    int spoken = 0, told = 0, sent = 0;
    bool faulty = false, open = false, mid_message = false, ended = false;
    std::deque<uint32_t> unsettled;  // what the application holds
  };

  uint32_t Below(uint32_t n) { return uint32_t(random_() % n); }

  void Connect() {
    const Endpoint* endpoint = endpoints_[Below(uint32_t(endpoints_.size()))];
    Person person{};
    person.client = &engine_->Connect(*endpoint, "/", Below(2), uint8_t(Below(3)));
    person.endpoint = endpoint;
    people_.push_back(person);
    if (endpoint->index == 0) silent_.insert(person.client->id.packed());
  }

  void Step(Person& person) {
    MemoryClient& client = *person.client;
    switch (Below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return Speak(person);
      case 5:
        return engine_->Receive(client, Masked(0x89, std::string(Below(126), 'p')));
      case 6:
        if (Below(20) != 0) return;
        person.faulty = true;
        return engine_->Receive(client,
                                Below(2) == 0 ? Masked(0x88, "\x03\xE8") : Bytes{0xFF, 0xFF});
      case 7:
        if (Below(20) == 0) engine_->Lose(client, Below(2) == 0 ? 0 : 104);
        return;
      case 8:
        if (Below(30) == 0) engine_->Close(client, 4'000, "bye");
        if (Below(60) == 0) engine_->Post(client, CommandKind::kTerminate);
        return;
      case 9:
        client.stream.room = Below(3) == 0 ? MemoryStream::kEndless : Below(300);
        return;
      case 10:
      case 11:
        return engine_->MakeWritable(client, Below(3) == 0 ? MemoryStream::kEndless : Below(3'000));
      case 12:
        if (Below(100) == 0) client.stream.dead = true;
        return static_cast<void>(engine_->Join(client, "room" + std::to_string(Below(3))));
      case 13:
        return static_cast<void>(engine_->Leave(client, "room" + std::to_string(Below(3))));
      case 14:
        return SendTo(person);
      default: {
        const Message message = MemoryEngine::Text("r" + std::string(Below(200), 'r'),
                                                   Below(4) == 0 ? "key" : "", Below(5) == 0);
        engine_->Publish(Below(2) == 0 ? "common" : "room1", message, {client.id});
        if (Below(4) == 0) engine_->Broadcast("b", {client.id});
      }
    }
  }

  // A message or a part of one, numbered.
  void Speak(Person& person) {
    if (person.faulty) return;
    const uint32_t what = Below(8);
    const std::string text =
        std::to_string(person.spoken) + " " + std::string(Below(what == 7 ? 90'000 : 100), 's');
    if (person.mid_message) {
      engine_->Receive(*person.client, Masked(0x80, ""));
      person.mid_message = false;
    } else if (what == 0) {
      engine_->Receive(*person.client, Masked(0x01, text));
      person.mid_message = true;
      person.spoken++;
    } else {
      Bytes wire = Masked(0x81, text);
      person.spoken++;
      for (uint32_t i = Below(40); i > 0; i--)
        wire = Join({wire, Masked(0x81, std::to_string(person.spoken++) + " ")});
      // The kernel keeps what we do not read; here it is as if it had not come yet.
      if (!person.client->stream.reading) {
        person.spoken -= 1;
        person.faulty = true;  // its numbers end here
        return;
      }
      engine_->Receive(*person.client, wire);
    }
  }

  void SendTo(Person& person) {
    for (uint32_t i = Below(5); i > 0; i--) {
      const std::string text =
          "s" + std::to_string(person.sent) + " " + std::string(Below(300), '.');
      if (engine_->Send(*person.client, text) != SendResult::kGone) person.sent++;
    }
  }

  // Takes what was told, checks it, settles some of it.
  void Settle() {
    for (uint32_t r = 0; r < 2; r++) {
      for (const auto& [id, event] : engine_->TakeEventsOf(r)) {
        if (silent_.contains(id.packed()) && event == "drain")
          continue;  // who asked by sending is told
        Person* person = Find(id);
        ASSERT_NE(person, nullptr) << "an event of nobody: " << event;
        Told(*person, event);
      }
    }
    for (Person& person : people_) {
      while (!person.unsettled.empty() && Below(4) != 0) {
        engine_->Settle(*person.client, person.unsettled.front());
        person.unsettled.pop_front();
      }
    }
  }

  void Told(Person& person, const std::string& event) {
    EXPECT_NE(person.endpoint->index, 0) << "told of an endpoint without handlers: " << event;
    EXPECT_FALSE(person.ended) << event << " after the close";
    if (event == "open") {
      EXPECT_FALSE(person.open);
      EXPECT_EQ(person.told, 0);
      person.open = true;
      person.unsettled.push_back(kSettleOpen);
    } else if (event.starts_with("text ")) {
      EXPECT_EQ(std::stoi(event.substr(5)), person.told) << "out of order or lost";
      person.told++;
      EXPECT_LE(person.unsettled.size(), kCreditMessages);
      person.unsettled.push_back(uint32_t(event.size() - 5));
    } else if (event.starts_with("close ")) {
      person.ended = true;
    }
  }

  // Who has ended is released, and what it read is checked.
  void Bury() {
    for (size_t i = 0; i < people_.size();) {
      Person& person = people_[i];
      const bool silent = person.endpoint->index == 0;
      if (silent ? engine_->Find(*person.client) != nullptr : !person.ended) {
        i++;
        continue;
      }
      CheckSent(person);
      if (!silent) engine_->Post(*person.client, CommandKind::kRelease);
      people_.erase(people_.begin() + int64_t(i));
    }
  }

  void CheckSent(const Person& person) {
    const std::vector<Frame> frames = FramesIn(person.client->stream.sent);
    const bool drops = person.endpoint->options.overflow != OverflowPolicy::kClose;
    int next = 0;
    for (size_t i = 0; i < frames.size(); i++) {
      const Frame& frame = frames[i];
      if (frame.first_byte == 0x88) {
        EXPECT_EQ(i + 1, frames.size()) << "something behind the close frame";
      } else if (frame.first_byte == 0x81) {
        ASSERT_FALSE(frame.payload.empty());
        if (frame.payload[0] != 's' || frame.payload.size() < 2 || frame.payload[1] == 's')
          continue;
        const int number = std::stoi(frame.payload.substr(1));
        if (drops) {
          EXPECT_GE(number, next);
        } else {
          EXPECT_EQ(number, next) << "out of order or lost";
        }
        next = number + 1;
      } else {
        EXPECT_TRUE(frame.first_byte == 0x89 || frame.first_byte == 0x8A) << int(frame.first_byte);
      }
    }
  }

  Person* Find(SessionId id) {
    for (Person& person : people_) {
      if (person.client->id == id) return &person;
    }
    return nullptr;
  }

  std::mt19937 random_;
  std::unique_ptr<MemoryEngine> engine_;
  std::vector<const Endpoint*> endpoints_;
  std::vector<Person> people_;
  std::set<uint64_t> silent_;  // sessions of the endpoint without handlers
};

TEST(HubRandomTest, AnythingInAnyOrderKeepsThePromises) {
  for (uint32_t seed = 1; seed <= 40; seed++) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    World(seed).Run();
    if (testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace fanwire
