#include "net/reactor_group.h"

#include <utility>

namespace fanwire {

ReactorGroup::ReactorGroup(const EngineOptions& options, std::function<void()> ring)
    : options_(options), ring_(std::move(ring)) {
  std::vector<SessionTable*> tables;
  std::vector<ReactorMailbox*> mailboxes;
  for (uint32_t i = 0; i < options_.threads; i++) {
    reactors_.push_back(std::make_unique<Reactor>(*this, i));
    tables.push_back(&reactors_.back()->table());
    mailboxes.push_back(&reactors_.back()->mailbox());
  }
  directory_ = std::make_unique<ChannelDirectory>(std::move(tables), std::move(mailboxes),
                                                  options_.max_rooms_per_session);
}

ReactorGroup::~ReactorGroup() { Stop(); }

Status ReactorGroup::Start() {
  for (auto& reactor : reactors_) {
    if (Status status = reactor->Open(); !status.ok()) return status;
  }
  running_ = uint32_t(reactors_.size());
  for (auto& reactor : reactors_) {
    if (Status status = reactor->Start(); !status.ok()) return status;
  }
  return {};
}

void ReactorGroup::Stop() {
  for (auto& reactor : reactors_) reactor->PostStop();
  Join();
}

void ReactorGroup::Join() {
  for (auto& reactor : reactors_) reactor->Join();
}

void ReactorGroup::Wake(ReactorSet reactors) {
  for (size_t i = 0; reactors != 0; i++, reactors >>= 1) {
    if ((reactors & 1) != 0) reactors_[i]->Wake();
  }
}

Reactor& ReactorGroup::LeastLoaded() {
  Reactor* least = reactors_.front().get();
  for (auto& reactor : reactors_) {
    if (reactor->load() < least->load()) least = reactor.get();
  }
  return *least;
}

bool ReactorGroup::AddConnections(int change) {
  const uint32_t before = connections_.fetch_add(uint32_t(change));
  const bool news = before == 0 || before + uint32_t(change) == 0;
  return news && !told_.exchange(true);
}

}  // namespace fanwire
