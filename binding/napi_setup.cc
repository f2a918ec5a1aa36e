// The addon's entry: each environment (the main thread, every Worker) gets its own Engine class;
// nothing is shared.
#include <napi.h>

#include "engine_wrap.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("Engine", fanwire::EngineWrap::Define(env));
  return exports;
}

NODE_API_MODULE(fanwire, Init)
