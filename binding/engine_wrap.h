// EngineWrap: the native engine as lib/ sees it; lib/engine-types.d.ts describes every method.
// Path:      JavaScript -> [engine_wrap] -> engine
// Threading: the JavaScript thread of one environment; a Worker has its own.
// Lifetime:  kept alive from construction to joinThreads(), or to the end of its environment, which
//            stops the engine first: hooks run last-in first-out, and ours is registered after the
//            doorbell's.
#ifndef FANWIRE_BINDING_ENGINE_WRAP_H_
#define FANWIRE_BINDING_ENGINE_WRAP_H_

#include <napi.h>

#include <memory>

#include "event_bridge.h"
#include "fanwire/engine.h"

namespace fanwire {

class EngineWrap final : public Napi::ObjectWrap<EngineWrap> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit EngineWrap(const Napi::CallbackInfo& info);
  ~EngineWrap() override;

 private:
  Napi::Value AddEndpoint(const Napi::CallbackInfo& info);
  Napi::Value Listen(const Napi::CallbackInfo& info);
  Napi::Value Unlisten(const Napi::CallbackInfo& info);
  Napi::Value Adopt(const Napi::CallbackInfo& info);
  Napi::Value Accept(const Napi::CallbackInfo& info);
  Napi::Value Refuse(const Napi::CallbackInfo& info);
  Napi::Value Publish(const Napi::CallbackInfo& info);
  Napi::Value Broadcast(const Napi::CallbackInfo& info);
  Napi::Value SendMany(const Napi::CallbackInfo& info);
  Napi::Value Join(const Napi::CallbackInfo& info);
  Napi::Value Leave(const Napi::CallbackInfo& info);
  Napi::Value Identify(const Napi::CallbackInfo& info);
  Napi::Value Rooms(const Napi::CallbackInfo& info);
  Napi::Value ChannelSize(const Napi::CallbackInfo& info);
  Napi::Value Members(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  Napi::Value Terminate(const Napi::CallbackInfo& info);
  Napi::Value State(const Napi::CallbackInfo& info);
  Napi::Value BufferedBytes(const Napi::CallbackInfo& info);
  Napi::Value Info(const Napi::CallbackInfo& info);
  Napi::Value Settle(const Napi::CallbackInfo& info);
  Napi::Value Sessions(const Napi::CallbackInfo& info);
  Napi::Value Flush(const Napi::CallbackInfo& info);
  Napi::Value Connections(const Napi::CallbackInfo& info);
  Napi::Value SetCaptureLog(const Napi::CallbackInfo& info);
  Napi::Value Stats(const Napi::CallbackInfo& info);
  Napi::Value Shutdown(const Napi::CallbackInfo& info);
  Napi::Value Stop(const Napi::CallbackInfo& info);
  Napi::Value JoinThreads(const Napi::CallbackInfo& info);
  Napi::Value Ref(const Napi::CallbackInfo& info);
  Napi::Value Unref(const Napi::CallbackInfo& info);
  Napi::Value Slab(const Napi::CallbackInfo& info);

  // The hot one, without the wrapper's detours. Its data is the EngineWrap.
  static napi_value Send(napi_env env, napi_callback_info info);

  napi_value MakeSend(napi_value self);
  static void OnEnvironmentEnd(void* wrap);
  void End();

  napi_env env_;
  EventBridge bridge_;              // outlives the engine, whose threads ring it
  std::unique_ptr<Engine> engine_;  // null once it has ended
  bool hooked_ = false;
};

}  // namespace fanwire

#endif  // FANWIRE_BINDING_ENGINE_WRAP_H_
