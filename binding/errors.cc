#include "errors.h"

#include <string>

namespace fanwire {

void Throw(Napi::Env env, const Status& status) {
  const bool ours = status.error_number() == 0;
  Napi::Error error =
      ours ? Napi::RangeError::New(env, status.message()) : Napi::Error::New(env, status.message());
  error.Set("code", Napi::String::New(env, status.code()));
  if (!ours) {
    const std::string& message = status.message();
    error.Set("errno", Napi::Number::New(env, -status.error_number()));
    error.Set("syscall", Napi::String::New(env, message.substr(0, message.find(' '))));
  }
  error.ThrowAsJavaScriptException();
}

}  // namespace fanwire
