// http_head: reads the head of an HTTP/1.1 request, strictly.
// Path:      connection -> [http_head] -> upgrade -> session
// Threading: plain values; one thread at a time.
// Lifetime:  a RequestHead is views into the bytes it was parsed from.
#ifndef FANWIRE_PROTOCOL_HTTP_HEAD_H_
#define FANWIRE_PROTOCOL_HTTP_HEAD_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace fanwire {

struct HeaderField {
  std::string_view name;
  std::string_view value;  // without white space around it
};

struct RequestHead {
  std::string_view method;
  std::string_view target;
  std::string_view version;  // "HTTP/1.1" or "HTTP/1.0"
  std::vector<HeaderField> fields;
  size_t size = 0;  // bytes of the head with its empty line

  // The first field of that name in any case; empty if there is none.
  // REQUIRES: `lower_name` is in lower case, here and below.
  std::string_view Find(std::string_view lower_name) const;

  size_t Count(std::string_view lower_name) const;

  // The target without its query. Of "http://host/path" only "/path".
  std::string_view path() const;
};

enum class HeadStatus : uint8_t {
  kNeedMore,
  kDone,
  kBad,         // answer 400
  kTooLarge,    // answer 431
  kBadVersion,  // answer 505
};

// Looks for the end of a head that arrives in pieces. It remembers how far it
// has looked, so that a sender of single bytes costs linear time in all.
class HeadScanner {
 public:
  // `bytes` is everything so far and begins with what was given before.
  // kDone: the head is the first size() bytes. kBad: these bytes can not
  // become a head. kTooLarge: it would be above `max_bytes`.
  HeadStatus Scan(std::string_view bytes, size_t max_bytes);

  size_t size() const { return size_; }

 private:
  size_t scanned_ = 0;     // bytes looked at
  size_t line_start_ = 0;  // of the line that is open
  size_t size_ = 0;
};

// Reads a head. `out` is whole only after kDone; its vector is used again.
// With a `scanner`, kept by the caller from call to call, repeated calls on
// growing bytes cost linear time in all.
// Strict: token characters, one space between the parts of the first line,
// CR LF at line ends, no folded lines, no space before a colon, no control
// characters; the target starts with '/' or "http(s)://host".
HeadStatus ParseRequestHead(std::string_view bytes, size_t max_bytes, size_t max_fields,
                            RequestHead* out, HeadScanner* scanner = nullptr);

// RFC 9110 section 5.6.2; false for an empty one.
bool IsToken(std::string_view text);

// Visible characters, spaces, tabs and obs-text: what a field value may hold.
bool IsFieldValue(std::string_view text);

// REQUIRES: `lower` is in lower case.
bool EqualsIgnoreCase(std::string_view text, std::string_view lower);

}  // namespace fanwire

#endif  // FANWIRE_PROTOCOL_HTTP_HEAD_H_
