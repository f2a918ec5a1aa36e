// OwnerThread: asserts, in debug builds, that state is touched by the one thread that owns it.
// Path:      beside the data path; free in release builds.
// Threading: Bind() once by the owner, Check() by whoever touches the state.
// Lifetime:  a member of what it guards.
#ifndef FANWIRE_BASE_OWNER_THREAD_H_
#define FANWIRE_BASE_OWNER_THREAD_H_

#include <cassert>
#include <thread>

namespace fanwire {

class OwnerThread {
 public:
#ifdef NDEBUG
  void Bind() {}
  void Check() const {}
#else
  void Bind() { owner_ = std::this_thread::get_id(); }
  void Check() const {
    assert(owner_ == std::thread::id() || owner_ == std::this_thread::get_id());
  }

 private:
  std::thread::id owner_;
#endif
};

}  // namespace fanwire

#endif  // FANWIRE_BASE_OWNER_THREAD_H_
