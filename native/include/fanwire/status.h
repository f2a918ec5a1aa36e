// Status: whether a call succeeded, and if not, a stable code and a sentence.
// Path:      beside the data path; returned by everything that may fail for a reason worth telling.
// Threading: a value.
// Lifetime:  owns its text.
#ifndef FANWIRE_STATUS_H_
#define FANWIRE_STATUS_H_

#include <string>
#include <utility>

namespace fanwire {

class [[nodiscard]] Status {
 public:
  Status() = default;  // OK

  // `code` is what a caller may test ("EADDRINUSE", "ERR_FANWIRE_PATTERN"); `error_number` is errno
  // or 0.
  static Status Error(std::string code, std::string message, int error_number = 0) {
    Status status;
    status.code_ = std::move(code);
    status.message_ = std::move(message);
    status.errno_ = error_number;
    return status;
  }
  // From errno, after `syscall` failed: "listen EADDRINUSE: address already in use 127.0.0.1:80".
  static Status FromErrno(const char* syscall, int error_number, const std::string& subject);

  bool ok() const { return code_.empty(); }
  const std::string& code() const { return code_; }
  const std::string& message() const { return message_; }
  int error_number() const { return errno_; }

 private:
  std::string code_, message_;
  int errno_ = 0;
};

}  // namespace fanwire

#endif  // FANWIRE_STATUS_H_
