// Convert: between JavaScript values and the engine's.
// Path:      JavaScript -> [convert] -> engine
// Threading: the JavaScript thread.
// Lifetime:  a Payload's bytes hold until the next Payload is read, or the call returns.
#ifndef FANWIRE_BINDING_CONVERT_H_
#define FANWIRE_BINDING_CONVERT_H_

#include <napi.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fanwire/command.h"
#include "fanwire/engine.h"
#include "fanwire/options.h"

namespace fanwire {

// A call's arguments as they came; missing ones are undefined.
template <size_t kCount>
class Arguments {
 public:
  Arguments(napi_env env, const Napi::CallbackInfo& info) : env_(env) {
    for (size_t i = 0; i < kCount; i++) values_[i] = info[i];
  }
  napi_value operator[](size_t i) const { return values_[i]; }
  uint32_t Uint32(size_t i) const {
    uint32_t value = 0;
    napi_get_value_uint32(env_, values_[i], &value);
    return value;
  }
  SessionId Session() const { return {Uint32(0), Uint32(1)}; }

 private:
  napi_env env_;
  napi_value values_[kCount];
};

// What send() and its like take: a string, or bytes in any of JavaScript's guises.
class Payload {
 public:
  // False: it is neither, or too large, and an exception is pending.
  bool Read(napi_env env, napi_value value);
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  // The opcode follows the value's type, unless the caller's flags (1 binary, 2 text) say
  // otherwise.
  uint8_t Flags(uint32_t wanted) const;

 private:
  static constexpr size_t kMaxBytes = 256u << 20;
  bool ReadString(napi_env env, napi_value value);
  bool IsSendable(napi_env env) const;  // else a RangeError is pending

  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
  bool is_text_ = false;
  std::vector<char> big_;
  char small_[1024];
};

std::string ToString(napi_env env, napi_value value);  // UTF-8; empty if it is no string
std::string ToLatin1(napi_env env, napi_value value);
std::optional<std::string> ToOptionalString(napi_env env,
                                            napi_value value);        // none for null and undefined
std::vector<SessionId> ToSessionIds(napi_env env, napi_value value);  // from a Uint32Array of pairs
Napi::Value FromSessionIds(Napi::Env env, const std::vector<SessionId>& ids);

EngineOptions ToEngineOptions(const Napi::Object& object);
EndpointOptions ToEndpointOptions(const Napi::Object& object);
ListenOptions ToListenOptions(const Napi::Object& object);
Napi::Value FromListenResult(Napi::Env env, const ListenResult& result);
Napi::Value FromSessionInfo(Napi::Env env, const SessionInfo& info);
Napi::Value FromStats(Napi::Env env, const EngineStats& stats);

}  // namespace fanwire

#endif  // FANWIRE_BINDING_CONVERT_H_
