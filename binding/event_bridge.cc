#include "event_bridge.h"

#include <utility>

namespace fanwire {

EventBridge::~EventBridge() { Close(); }

bool EventBridge::Open(napi_env env, napi_value sink) {
  env_ = env;
  napi_value name;
  if (napi_create_reference(env, sink, 1, &sink_) != napi_ok) return false;
  if (napi_create_string_utf8(env, "fanwire", NAPI_AUTO_LENGTH, &name) != napi_ok) return false;
  if (napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this,
                                      OnBell, &bell_) != napi_ok) {
    return false;
  }
  return napi_unref_threadsafe_function(env, bell_) == napi_ok;
}

void EventBridge::Close() {
  if (bell_ == nullptr) return;
  napi_release_threadsafe_function(std::exchange(bell_, nullptr), napi_tsfn_abort);
  napi_delete_reference(env_, std::exchange(sink_, nullptr));
}

void EventBridge::Ring() {
  if (rung_.exchange(true))
    return;  // JavaScript has not answered the last one yet: it will find this, too
  napi_call_threadsafe_function(bell_, nullptr, napi_tsfn_nonblocking);
}

void EventBridge::OnBell(napi_env env, napi_value /*function*/, void* context, void* /*data*/) {
  if (env != nullptr) static_cast<EventBridge*>(context)->Drain();
}

void EventBridge::Refer(bool on) {
  if (bell_ == nullptr) return;
  if (on) {
    napi_ref_threadsafe_function(env_, bell_);
  } else {
    napi_unref_threadsafe_function(env_, bell_);
  }
}

void EventBridge::Drain() {
  rung_.store(false);  // before looking: what comes later rings again
  for (size_t r = 0; engine_ != nullptr && bell_ != nullptr && r < engine_->reactor_count(); r++) {
    ranges_.clear();
    engine_->TakeEvents(r, ranges_);
    for (const SlabRange& range : ranges_) DrainRange(r, range);
  }
  if (engine_ != nullptr) engine_->Flush();
}

void EventBridge::DrainRange(size_t reactor, const SlabRange& range) {
  const bool drop_views = range.retired && !engine_->WillReuse(reactor, *range.slab);
  slabs_[range.slab->id] = range.slab;
  if (sink_ != nullptr) {  // else a handler has closed everything
    napi_handle_scope scope;
    napi_open_handle_scope(env_, &scope);
    napi_value sink, undefined, result, arguments[5];
    napi_get_reference_value(env_, sink_, &sink);
    napi_get_undefined(env_, &undefined);
    napi_create_uint32(env_, uint32_t(reactor), &arguments[0]);
    napi_create_uint32(env_, range.slab->id, &arguments[1]);
    napi_create_uint32(env_, range.from, &arguments[2]);
    napi_create_uint32(env_, range.to, &arguments[3]);
    napi_get_boolean(env_, drop_views, &arguments[4]);
    napi_call_function(env_, undefined, sink, 5, arguments, &result);
    bool thrown = false;
    napi_is_exception_pending(env_, &thrown);
    if (thrown) {  // lib catches what handlers throw: this is a bug of ours, and must be seen
      napi_value error;
      napi_get_and_clear_last_exception(env_, &error);
      napi_fatal_exception(env_, error);
    }
    napi_close_handle_scope(env_, scope);
  }
  slabs_.erase(range.slab->id);
  engine_->SettleRange(range);
  if (range.retired) engine_->RetireSlab(reactor, range.slab);
}

napi_value EventBridge::SlabView(napi_env env, uint32_t id) {
  napi_value view = nullptr;
  auto found = slabs_.find(id);
  if (found == slabs_.end()) return nullptr;
  Slab* slab = found->second;
  slab->Ref();
  const auto release = [](napi_env, void*, void* hint) { static_cast<Slab*>(hint)->Unref(); };
  if (napi_create_external_arraybuffer(env, slab->data, slab->capacity, release, slab, &view) !=
      napi_ok) {
    slab->Unref();
    return nullptr;
  }
  return view;
}

}  // namespace fanwire
