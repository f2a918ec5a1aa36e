// thread_cpu: one function for the peers, nowNs(): CPU time of the calling thread
// (CLOCK_THREAD_CPUTIME_ID). Path:      peer.js -> [thread_cpu] -> the kernel's clock of the thread
// Threading: any; answers for the thread that asks.
// Lifetime:  no state. Node 20 offers this clock nowhere; prepare.js builds it.
#define NAPI_VERSION 8
#include <node_api.h>

#include <ctime>

namespace {

napi_value NowNs(napi_env env, napi_callback_info) {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  napi_value result = nullptr;
  napi_create_double(
      env, static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec), &result);
  return result;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value now_ns = nullptr;
  napi_create_function(env, "nowNs", NAPI_AUTO_LENGTH, NowNs, nullptr, &now_ns);
  napi_set_named_property(env, exports, "nowNs", now_ns);
  return exports;
}
