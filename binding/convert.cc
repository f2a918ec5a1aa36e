#include "convert.h"

namespace fanwire {
namespace {

uint64_t Number(const Napi::Object& object, const char* name, uint64_t fallback) {
  const Napi::Value value = object.Get(name);
  return value.IsNumber() ? uint64_t(value.As<Napi::Number>().DoubleValue()) : fallback;
}

bool Boolean(const Napi::Object& object, const char* name) { return object.Get(name).ToBoolean(); }

std::string Text(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
}

Napi::Object FromCounts(Napi::Env env, const EngineStats::Counts& counts) {
  Napi::Object object = Napi::Object::New(env);
  for (const auto& [name, value] : counts) object.Set(name, double(value));
  return object;
}

}  // namespace

bool Payload::Read(napi_env env, napi_value value) {
  napi_valuetype type;
  napi_typeof(env, value, &type);
  if (type == napi_string) return ReadString(env, value) && IsSendable(env);
  bool is = false;
  void* data = nullptr;
  size_ = 0;
  if (napi_is_buffer(env, value, &is) == napi_ok && is) {  // any view, in truth
    napi_get_buffer_info(env, value, &data, &size_);
  } else if (napi_is_arraybuffer(env, value, &is) == napi_ok && is) {
    napi_get_arraybuffer_info(env, value, &data, &size_);
  } else {
    napi_throw_type_error(env, "ERR_FANWIRE_INVALID_ARG_TYPE",
                          "data must be a string, an ArrayBuffer or a view of one");
    return false;
  }
  data_ = static_cast<const uint8_t*>(data);
  is_text_ = false;
  return IsSendable(env);
}

bool Payload::IsSendable(napi_env env) const {
  if (size_ <= kMaxBytes) return true;
  napi_throw_range_error(env, "ERR_FANWIRE_OUT_OF_RANGE",
                         "a message can not be larger than 256 MiB");
  return false;
}

bool Payload::ReadString(napi_env env, napi_value value) {
  is_text_ = true;
  napi_get_value_string_utf8(env, value, small_, sizeof small_, &size_);
  data_ = reinterpret_cast<const uint8_t*>(small_);
  if (size_ < sizeof small_ - 4) return true;  // else it may have been cut
  napi_get_value_string_utf8(env, value, nullptr, 0, &size_);
  big_.resize(size_ + 1);
  napi_get_value_string_utf8(env, value, big_.data(), big_.size(), &size_);
  data_ = reinterpret_cast<const uint8_t*>(big_.data());
  return true;
}

uint8_t Payload::Flags(uint32_t wanted) const {
  const bool binary = (wanted & 1) != 0 || (!is_text_ && (wanted & 2) == 0);
  return uint8_t((binary ? kSendBinary : kSendText) | (wanted & kSendVolatile));
}

std::string ToString(napi_env env, napi_value value) {
  size_t size = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &size) != napi_ok) return "";
  std::string text(size, '\0');
  napi_get_value_string_utf8(env, value, text.data(), size + 1, &size);
  return text;
}

std::string ToLatin1(napi_env env, napi_value value) {
  size_t size = 0;
  if (napi_get_value_string_latin1(env, value, nullptr, 0, &size) != napi_ok) return "";
  std::string text(size, '\0');
  napi_get_value_string_latin1(env, value, text.data(), size + 1, &size);
  return text;
}

std::optional<std::string> ToOptionalString(napi_env env, napi_value value) {
  napi_valuetype type;
  napi_typeof(env, value, &type);
  if (type != napi_string) return std::nullopt;
  return ToString(env, value);
}

std::vector<SessionId> ToSessionIds(napi_env env, napi_value value) {
  bool is = false;
  std::vector<SessionId> ids;
  if (napi_is_typedarray(env, value, &is) != napi_ok || !is) return ids;
  napi_typedarray_type type;
  size_t length;
  void* data;
  napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr);
  if (type != napi_uint32_array) return ids;
  const auto* words = static_cast<const uint32_t*>(data);
  for (size_t i = 0; i + 1 < length; i += 2) ids.push_back({words[i], words[i + 1]});
  return ids;
}

Napi::Value FromSessionIds(Napi::Env env, const std::vector<SessionId>& ids) {
  Napi::Uint32Array array = Napi::Uint32Array::New(env, ids.size() * 2);
  for (size_t i = 0; i < ids.size(); i++) {
    array[i * 2] = ids[i].slot;
    array[i * 2 + 1] = ids[i].generation;
  }
  return array;
}

EngineOptions ToEngineOptions(const Napi::Object& object) {
  EngineOptions options;
  options.threads = uint32_t(Number(object, "threads", options.threads));
  options.handshake_timeout_ms =
      uint32_t(Number(object, "handshakeTimeoutMs", options.handshake_timeout_ms));
  options.message_timeout_ms =
      uint32_t(Number(object, "messageTimeoutMs", options.message_timeout_ms));
  options.max_header_bytes = uint32_t(Number(object, "maxHeaderBytes", options.max_header_bytes));
  options.max_connections = uint32_t(Number(object, "maxConnections", options.max_connections));
  options.max_incomplete_bytes = Number(object, "maxIncompleteBytes", options.max_incomplete_bytes);
  options.max_rooms_per_session =
      uint32_t(Number(object, "maxRoomsPerSession", options.max_rooms_per_session));
  return options;
}

EndpointOptions ToEndpointOptions(const Napi::Object& object) {
  EndpointOptions options;
  options.pattern = Text(object, "pattern");
  options.deliver = Boolean(object, "deliver");
  options.open = Boolean(object, "open");
  options.close = Boolean(object, "close");
  options.authenticate = Boolean(object, "authenticate");
  options.observe = Boolean(object, "observe");
  options.publish_to = Text(object, "publishTo");
  options.except_sender = Boolean(object, "exceptSender");
  options.max_message_bytes =
      uint32_t(Number(object, "maxMessageBytes", options.max_message_bytes));
  options.high_water_mark_bytes =
      uint32_t(Number(object, "highWaterMarkBytes", options.high_water_mark_bytes));
  options.max_buffered_bytes =
      uint32_t(Number(object, "maxBufferedBytes", options.max_buffered_bytes));
  options.send_timeout_ms = uint32_t(Number(object, "sendTimeoutMs", options.send_timeout_ms));
  options.ping_interval_ms = uint32_t(Number(object, "pingIntervalMs", options.ping_interval_ms));
  options.pong_timeout_ms = uint32_t(Number(object, "pongTimeoutMs", options.pong_timeout_ms));
  options.close_timeout_ms = uint32_t(Number(object, "closeTimeoutMs", options.close_timeout_ms));
  options.overflow = OverflowPolicy(Number(object, "overflow", 0) & 3);
  return options;
}

ListenOptions ToListenOptions(const Napi::Object& object) {
  ListenOptions options;
  options.host = Text(object, "host");
  options.path = Text(object, "path");
  options.port = uint16_t(Number(object, "port", 0));
  options.backlog = int(Number(object, "backlog", uint64_t(options.backlog)));
  return options;
}

Napi::Value FromListenResult(Napi::Env env, const ListenResult& result) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("id", result.id);
  if (!result.path.empty()) {
    object.Set("path", result.path);
    return object;
  }
  object.Set("address", result.address);
  object.Set("family", result.family);
  object.Set("port", result.port);
  return object;
}

Napi::Value FromSessionInfo(Napi::Env env, const SessionInfo& info) {
  Napi::Object object = Napi::Object::New(env);
  napi_value head;  // header bytes are latin1 to JavaScript, as Node's http has them
  napi_create_string_latin1(env, info.head.data(), info.head.size(), &head);
  object.Set("head", head);
  object.Set("remoteAddress", info.remote_address);
  object.Set("remotePort", info.remote_port);
  object.Set("endpoint", info.endpoint);
  object.Set("user",
             info.user.has_value() ? Napi::Value(Napi::String::New(env, *info.user)) : env.Null());
  return object;
}

Napi::Value FromStats(Napi::Env env, const EngineStats& stats) {
  Napi::Object object = FromCounts(env, stats.total);
  Napi::Array reactors = Napi::Array::New(env, stats.reactors.size());
  for (uint32_t i = 0; i < stats.reactors.size(); i++)
    reactors[i] = FromCounts(env, stats.reactors[i]);
  object.Set("reactors", reactors);
  return object;
}

}  // namespace fanwire
