// EventBridge: the way up: one doorbell, then JavaScript drains the slabs of every reactor.
// Path:      reactors -> slabs -> [event_bridge] -> lib/events.js
// Threading: Ring() from any thread; all else on the JavaScript thread.
// Lifetime:  owned by the EngineWrap; the doorbell is released after the reactors have ended, never
//            before.
#ifndef FANWIRE_BINDING_EVENT_BRIDGE_H_
#define FANWIRE_BINDING_EVENT_BRIDGE_H_

#include <napi.h>

#include <atomic>
#include <unordered_map>
#include <vector>

#include "fanwire/engine.h"

namespace fanwire {

class EventBridge {
 public:
  EventBridge() = default;
  EventBridge(const EventBridge&) = delete;
  EventBridge& operator=(const EventBridge&) = delete;
  ~EventBridge();

  // `sink(reactor, slab, from, to, drop_views)` is called with each range. False: an exception is
  // pending.
  bool Open(napi_env env, napi_value sink);
  void set_engine(Engine* engine) { engine_ = engine; }

  void Ring();
  // REQUIRES: nobody rings any more. Idempotent.
  void Close();

  void Ref() { Refer(true); }
  void Unref() { Refer(false); }
  // An ArrayBuffer over a slab of the range that is being drained; it may outlive the engine.
  napi_value SlabView(napi_env env, uint32_t id);

 private:
  static void OnBell(napi_env env, napi_value function, void* context, void* data);
  void Refer(bool on);
  void Drain();
  void DrainRange(size_t reactor, const SlabRange& range);

  napi_env env_ = nullptr;
  napi_ref sink_ = nullptr;
  napi_threadsafe_function bell_ = nullptr;
  Engine* engine_ = nullptr;
  std::atomic<bool> rung_{false};
  std::vector<SlabRange> ranges_;  // being drained
  std::unordered_map<uint32_t, Slab*> slabs_;
};

}  // namespace fanwire

#endif  // FANWIRE_BINDING_EVENT_BRIDGE_H_
