#include "fail.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace fanwire::bench {

void Fail(std::string_view reason) {
  std::fprintf(stderr, "fanwire-load: %.*s\n", static_cast<int>(reason.size()), reason.data());
  std::_Exit(1);
}

void FailErrno(std::string_view call) { Fail(std::string(call) + ": " + std::strerror(errno)); }

}  // namespace fanwire::bench
