#include "fanwire/status.h"

#include <cerrno>
#include <cstring>

namespace fanwire {

Status Status::FromErrno(const char* syscall, int error_number, const std::string& subject) {
  const char* name = strerrorname_np(error_number);
  std::string code = name != nullptr ? name : "E" + std::to_string(error_number);
  const char* description = strerrordesc_np(error_number);
  std::string message = std::string(syscall) + " " + code + ": " +
                        (description != nullptr ? description : "unknown error");
  if (!subject.empty()) message += " " + subject;
  return Error(std::move(code), std::move(message), error_number);
}

}  // namespace fanwire
