#include "engine_wrap.h"

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "convert.h"
#include "errors.h"

namespace fanwire {
namespace {

Napi::Value Number(const Napi::CallbackInfo& info, double value) {
  return Napi::Number::New(info.Env(), value);
}
Napi::Value Boolean(const Napi::CallbackInfo& info, bool value) {
  return Napi::Boolean::New(info.Env(), value);
}

ChannelKind KindOf(uint32_t value) { return value == 1 ? ChannelKind::kUser : ChannelKind::kRoom; }

}  // namespace

Napi::Function EngineWrap::Define(Napi::Env env) {
  return DefineClass(env, "Engine",
                     {InstanceMethod<&EngineWrap::AddEndpoint>("addEndpoint"),
                      InstanceMethod<&EngineWrap::Listen>("listen"),
                      InstanceMethod<&EngineWrap::Unlisten>("unlisten"),
                      InstanceMethod<&EngineWrap::Adopt>("adopt"),
                      InstanceMethod<&EngineWrap::Accept>("accept"),
                      InstanceMethod<&EngineWrap::Refuse>("refuse"),
                      InstanceMethod<&EngineWrap::Publish>("publish"),
                      InstanceMethod<&EngineWrap::Broadcast>("broadcast"),
                      InstanceMethod<&EngineWrap::SendMany>("sendMany"),
                      InstanceMethod<&EngineWrap::Join>("join"),
                      InstanceMethod<&EngineWrap::Leave>("leave"),
                      InstanceMethod<&EngineWrap::Identify>("identify"),
                      InstanceMethod<&EngineWrap::Rooms>("rooms"),
                      InstanceMethod<&EngineWrap::ChannelSize>("channelSize"),
                      InstanceMethod<&EngineWrap::Members>("members"),
                      InstanceMethod<&EngineWrap::Close>("close"),
                      InstanceMethod<&EngineWrap::Terminate>("terminate"),
                      InstanceMethod<&EngineWrap::State>("state"),
                      InstanceMethod<&EngineWrap::BufferedBytes>("bufferedBytes"),
                      InstanceMethod<&EngineWrap::Info>("info"),
                      InstanceMethod<&EngineWrap::Settle>("settle"),
                      InstanceMethod<&EngineWrap::Sessions>("sessions"),
                      InstanceMethod<&EngineWrap::Flush>("flush"),
                      InstanceMethod<&EngineWrap::Connections>("connections"),
                      InstanceMethod<&EngineWrap::SetCaptureLog>("setCaptureLog"),
                      InstanceMethod<&EngineWrap::Stats>("stats"),
                      InstanceMethod<&EngineWrap::Shutdown>("shutdown"),
                      InstanceMethod<&EngineWrap::JoinThreads>("joinThreads"),
                      InstanceMethod<&EngineWrap::Stop>("stop"),
                      InstanceMethod<&EngineWrap::Ref>("ref"),
                      InstanceMethod<&EngineWrap::Unref>("unref"),
                      InstanceMethod<&EngineWrap::Slab>("slab")});
}

EngineWrap::EngineWrap(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<EngineWrap>(info), env_(info.Env()) {
  if (!info[0].IsObject() || !info[1].IsFunction()) {
    Napi::TypeError::New(env_, "Engine takes options and a function").ThrowAsJavaScriptException();
    return;
  }
  if (!bridge_.Open(env_, info[1])) {
    Napi::Error::New(env_, "the doorbell could not be made").ThrowAsJavaScriptException();
    return;
  }
  const EngineOptions options = ToEngineOptions(info[0].As<Napi::Object>());
  Status status = Engine::Create(
      options, [this] { bridge_.Ring(); }, &engine_);
  if (!status.ok()) {
    bridge_.Close();
    Throw(env_, status);
    return;
  }
  bridge_.set_engine(engine_.get());
  Napi::Object self = info.This().As<Napi::Object>();
  self.DefineProperty(
      Napi::PropertyDescriptor::Value("send", Napi::Value(env_, MakeSend(self)), napi_enumerable));
  napi_add_env_cleanup_hook(env_, OnEnvironmentEnd, this);
  hooked_ = true;
  Napi::ObjectWrap<EngineWrap>::Ref();  // until its threads have ended
}

// The function keeps its engine alive, however it is called.
napi_value EngineWrap::MakeSend(napi_value self) {
  napi_value function;
  napi_create_function(env_, "send", NAPI_AUTO_LENGTH, Send, this, &function);
  napi_set_named_property(env_, function, "engine", self);
  return function;
}

EngineWrap::~EngineWrap() { End(); }

// A natural end, or a Worker's: threads first, then the doorbell. JavaScript is not waited for. At
// process.exit() Node runs no such hooks: lib/exit.js calls stop().
void EngineWrap::OnEnvironmentEnd(void* wrap) {
  auto* self = static_cast<EngineWrap*>(wrap);
  self->hooked_ = false;
  self->End();
}

void EngineWrap::End() {
  if (engine_ != nullptr) {
    engine_->Stop();
    bridge_.set_engine(nullptr);
  }
  bridge_.Close();
  engine_.reset();
  if (std::exchange(hooked_, false)) napi_remove_env_cleanup_hook(env_, OnEnvironmentEnd, this);
}

// ---- doors and endpoints ----

Napi::Value EngineWrap::AddEndpoint(const Napi::CallbackInfo& info) {
  if (engine_ == nullptr) return Number(info, 0);
  uint16_t index = 0;
  const Status status = engine_->AddEndpoint(ToEndpointOptions(info[0].As<Napi::Object>()), &index);
  if (!status.ok()) Throw(env_, status);
  return Number(info, index);
}

Napi::Value EngineWrap::Listen(const Napi::CallbackInfo& info) {
  if (engine_ == nullptr) return info.Env().Undefined();
  ListenResult result;
  const Status status = engine_->Listen(ToListenOptions(info[0].As<Napi::Object>()), &result);
  if (!status.ok()) {
    Throw(env_, status);
    return info.Env().Undefined();
  }
  return FromListenResult(info.Env(), result);
}

Napi::Value EngineWrap::Unlisten(const Napi::CallbackInfo& info) {
  return Boolean(info, engine_ != nullptr && engine_->Unlisten(info[0].ToNumber().Uint32Value()));
}

Napi::Value EngineWrap::Adopt(const Napi::CallbackInfo& info) {
  Payload head;
  if (engine_ == nullptr || !head.Read(env_, info[1])) return Number(info, 0);
  std::string bytes(reinterpret_cast<const char*>(head.data()), head.size());
  const int fd = info[0].ToNumber().Int32Value();
  return Number(info,
                engine_->Adopt(fd, std::move(bytes), uint16_t(info[2].ToNumber().Uint32Value())));
}

Napi::Value EngineWrap::Accept(const Napi::CallbackInfo& info) {
  const Arguments<4> arguments(env_, info);
  std::string lines = ToLatin1(env_, arguments[2]);
  if (!IsSafeHeaderBlock(lines)) {
    Napi::TypeError::New(env_, "a header has a name or a value that HTTP does not allow")
        .ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  return Boolean(info, engine_ != nullptr && engine_->Accept(arguments.Session(), std::move(lines),
                                                             ToOptionalString(env_, arguments[3])));
}

Napi::Value EngineWrap::Refuse(const Napi::CallbackInfo& info) {
  const Arguments<5> arguments(env_, info);
  std::string lines = ToLatin1(env_, arguments[3]);
  if (!IsSafeHeaderBlock(lines)) {
    Napi::TypeError::New(env_, "a header has a name or a value that HTTP does not allow")
        .ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  return Boolean(info, engine_ != nullptr &&
                           engine_->Refuse(arguments.Session(), uint16_t(arguments.Uint32(2)),
                                           std::move(lines), ToString(env_, arguments[4])));
}

// ---- sends ----

napi_value EngineWrap::Send(napi_env env, napi_callback_info info) {
  size_t count = 5;
  napi_value values[5], answer = nullptr;
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, values, nullptr, &data);
  Engine* engine = static_cast<EngineWrap*>(data)->engine_.get();
  uint32_t result = 0;
  Payload payload;
  if (!payload.Read(env, values[2])) return nullptr;
  if (engine != nullptr) {
    SessionId id;
    uint32_t flags = 0;
    napi_get_value_uint32(env, values[0], &id.slot);
    napi_get_value_uint32(env, values[1], &id.generation);
    napi_get_value_uint32(env, values[3], &flags);
    char key_text[2] = "";
    size_t key_size = 0;
    napi_get_value_string_utf8(env, values[4], key_text, sizeof key_text, &key_size);
    const std::string key = key_size != 0 ? ToString(env, values[4]) : std::string();
    result = uint32_t(engine->Send(id, payload.data(), payload.size(), payload.Flags(flags), key));
  }
  napi_create_uint32(env, result, &answer);
  return answer;
}

Napi::Value EngineWrap::Publish(const Napi::CallbackInfo& info) {
  const Arguments<6> arguments(env_, info);
  Payload payload;
  if (!payload.Read(env_, arguments[2])) return info.Env().Undefined();
  if (engine_ == nullptr) return Number(info, 1);
  const SendResult result =
      engine_->Publish(KindOf(arguments.Uint32(0)), ToString(env_, arguments[1]), payload.data(),
                       payload.size(), payload.Flags(arguments.Uint32(3)),
                       ToString(env_, arguments[4]), ToSessionIds(env_, arguments[5]));
  return Number(info, double(result));
}

Napi::Value EngineWrap::Broadcast(const Napi::CallbackInfo& info) {
  const Arguments<4> arguments(env_, info);
  Payload payload;
  if (!payload.Read(env_, arguments[0])) return info.Env().Undefined();
  if (engine_ == nullptr) return Number(info, 1);
  const SendResult result =
      engine_->Broadcast(payload.data(), payload.size(), payload.Flags(arguments.Uint32(1)),
                         ToString(env_, arguments[2]), ToSessionIds(env_, arguments[3]));
  return Number(info, double(result));
}

Napi::Value EngineWrap::SendMany(const Napi::CallbackInfo& info) {
  const Arguments<4> arguments(env_, info);
  Payload payload;
  if (!payload.Read(env_, arguments[1])) return info.Env().Undefined();
  if (engine_ == nullptr) return Number(info, 0);
  return Number(info, double(engine_->SendMany(ToSessionIds(env_, arguments[0]), payload.data(),
                                               payload.size(), payload.Flags(arguments.Uint32(2)),
                                               ToString(env_, arguments[3]))));
}

Napi::Value EngineWrap::Flush(const Napi::CallbackInfo& info) {
  if (engine_ != nullptr) engine_->Flush();
  return info.Env().Undefined();
}

// ---- rooms and users ----

Napi::Value EngineWrap::Join(const Napi::CallbackInfo& info) {
  const Arguments<3> arguments(env_, info);
  if (engine_ == nullptr) return Number(info, 0);
  return Number(info, double(engine_->Join(arguments.Session(), ToString(env_, arguments[2]))));
}

Napi::Value EngineWrap::Leave(const Napi::CallbackInfo& info) {
  const Arguments<3> arguments(env_, info);
  return Boolean(info, engine_ != nullptr &&
                           engine_->Leave(arguments.Session(), ToString(env_, arguments[2])));
}

Napi::Value EngineWrap::Identify(const Napi::CallbackInfo& info) {
  const Arguments<3> arguments(env_, info);
  return Boolean(info,
                 engine_ != nullptr &&
                     engine_->Identify(arguments.Session(), ToOptionalString(env_, arguments[2])));
}

Napi::Value EngineWrap::Rooms(const Napi::CallbackInfo& info) {
  const Arguments<2> arguments(env_, info);
  Napi::Array names = Napi::Array::New(info.Env());
  if (engine_ == nullptr) return names;
  for (const std::string& name : engine_->Rooms(arguments.Session())) names[names.Length()] = name;
  return names;
}

Napi::Value EngineWrap::ChannelSize(const Napi::CallbackInfo& info) {
  const Arguments<2> arguments(env_, info);
  if (engine_ == nullptr) return Number(info, 0);
  return Number(info, double(engine_->ChannelSize(KindOf(arguments.Uint32(0)),
                                                  ToString(env_, arguments[1]))));
}

Napi::Value EngineWrap::Members(const Napi::CallbackInfo& info) {
  const Arguments<2> arguments(env_, info);
  if (engine_ == nullptr) return FromSessionIds(info.Env(), {});
  return FromSessionIds(
      info.Env(), engine_->Members(KindOf(arguments.Uint32(0)), ToString(env_, arguments[1])));
}

// ---- sessions ----

Napi::Value EngineWrap::Close(const Napi::CallbackInfo& info) {
  const Arguments<4> arguments(env_, info);
  return Boolean(info, engine_ != nullptr &&
                           engine_->Close(arguments.Session(), uint16_t(arguments.Uint32(2)),
                                          ToString(env_, arguments[3]), CloseCause::kApplication));
}

Napi::Value EngineWrap::Terminate(const Napi::CallbackInfo& info) {
  const Arguments<2> arguments(env_, info);
  return Boolean(info, engine_ != nullptr &&
                           engine_->Terminate(arguments.Session(), CloseCause::kApplication));
}

Napi::Value EngineWrap::State(const Napi::CallbackInfo& info) {
  const Arguments<2> arguments(env_, info);
  const SessionState state =
      engine_ != nullptr ? engine_->State(arguments.Session()) : SessionState::kClosed;
  return Number(info, double(state));
}

Napi::Value EngineWrap::BufferedBytes(const Napi::CallbackInfo& info) {
  const Arguments<2> arguments(env_, info);
  return Number(info, engine_ != nullptr ? engine_->BufferedBytes(arguments.Session()) : 0);
}

Napi::Value EngineWrap::Info(const Napi::CallbackInfo& info) {
  const Arguments<2> arguments(env_, info);
  const std::optional<SessionInfo> found =
      engine_ != nullptr ? engine_->Info(arguments.Session()) : std::nullopt;
  return found.has_value() ? FromSessionInfo(info.Env(), *found) : info.Env().Undefined();
}

Napi::Value EngineWrap::Settle(const Napi::CallbackInfo& info) {
  const Arguments<3> arguments(env_, info);
  if (engine_ != nullptr) engine_->Settle(arguments.Session(), arguments.Uint32(2));
  return info.Env().Undefined();
}

Napi::Value EngineWrap::Sessions(const Napi::CallbackInfo& info) {
  if (engine_ == nullptr) return FromSessionIds(info.Env(), {});
  return FromSessionIds(info.Env(), engine_->Sessions(info[0].ToNumber().Int32Value()));
}

// ---- life ----

Napi::Value EngineWrap::Connections(const Napi::CallbackInfo& info) {
  return Number(info, engine_ != nullptr ? engine_->connection_count() : 0);
}

Napi::Value EngineWrap::SetCaptureLog(const Napi::CallbackInfo& info) {
  if (engine_ != nullptr) engine_->SetLogLevel(info[0].ToNumber().Int32Value());
  return info.Env().Undefined();
}

Napi::Value EngineWrap::Stats(const Napi::CallbackInfo& info) {
  return engine_ != nullptr ? FromStats(info.Env(), engine_->Stats())
                            : Napi::Object::New(info.Env());
}

Napi::Value EngineWrap::Shutdown(const Napi::CallbackInfo& info) {
  const Arguments<3> arguments(env_, info);
  if (engine_ != nullptr) {
    engine_->Shutdown(uint16_t(arguments.Uint32(0)), ToString(env_, arguments[1]),
                      arguments.Uint32(2));
  }
  return info.Env().Undefined();
}

Napi::Value EngineWrap::JoinThreads(const Napi::CallbackInfo& info) {
  if (engine_ == nullptr) return info.Env().Undefined();
  engine_->Join();
  End();
  Napi::ObjectWrap<EngineWrap>::Unref();
  return info.Env().Undefined();
}

Napi::Value EngineWrap::Stop(const Napi::CallbackInfo& info) {
  if (engine_ != nullptr) engine_->Stop();
  return info.Env().Undefined();
}

Napi::Value EngineWrap::Ref(const Napi::CallbackInfo& info) {
  bridge_.Ref();
  return info.Env().Undefined();
}

Napi::Value EngineWrap::Unref(const Napi::CallbackInfo& info) {
  bridge_.Unref();
  return info.Env().Undefined();
}

Napi::Value EngineWrap::Slab(const Napi::CallbackInfo& info) {
  napi_value view = bridge_.SlabView(env_, info[0].ToNumber().Uint32Value());
  return view != nullptr ? Napi::Value(env_, view) : info.Env().Undefined();
}

}  // namespace fanwire
