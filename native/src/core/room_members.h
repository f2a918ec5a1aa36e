// RoomMembers: the members of one channel on one reactor.
// Path:      mailbox -> [room_members] -> fan-out
// Threading: reactor-owned.
// Lifetime:  part of a Channel; holds sessions from their join to their leave or end, which its
//            reactor sees to.
#ifndef FANWIRE_CORE_ROOM_MEMBERS_H_
#define FANWIRE_CORE_ROOM_MEMBERS_H_

#include <cstdint>
#include <vector>

namespace fanwire {

class Session;

class RoomMembers {
 public:
  // The caller keeps the index that Add() gives, and learns by Remove() whose index has changed to
  // it.
  uint32_t Add(Session* session) {
    sessions_.push_back(session);
    return uint32_t(sessions_.size() - 1);
  }
  // The session that now stands at `index`; null if none does.
  Session* Remove(uint32_t index) {
    sessions_[index] = sessions_.back();
    sessions_.pop_back();
    return index < sessions_.size() ? sessions_[index] : nullptr;
  }
  const std::vector<Session*>& sessions() const { return sessions_; }

 private:
  std::vector<Session*> sessions_;
};

}  // namespace fanwire

#endif  // FANWIRE_CORE_ROOM_MEMBERS_H_
