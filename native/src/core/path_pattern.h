// PathPattern, RoomTemplate: which paths an endpoint answers, and the room name that a path gives.
// Path:      connection -> [path_pattern] -> session
// Threading: immutable after Parse().
// Lifetime:  a value.
//
// `/chat/:room` takes one non-empty segment by name, `*` one without a name, `**`, only at the end,
// all that is left, also nothing. Segments are compared percent-decoded; one that decodes to a
// slash or a NUL, or does not decode, matches nothing. A trailing slash counts. lib/pattern.js has
// the same rules.
#ifndef FANWIRE_CORE_PATH_PATTERN_H_
#define FANWIRE_CORE_PATH_PATTERN_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fanwire/status.h"

namespace fanwire {

using PathParams = std::vector<std::pair<std::string_view, std::string>>;  // name, decoded value

class PathPattern {
 public:
  static Status Parse(std::string_view text, PathPattern* out);

  // `params` may be null.
  bool Match(std::string_view path, PathParams* params) const;
  bool HasParam(std::string_view name) const;

 private:
  enum class Kind : uint8_t { kLiteral, kNamed, kAny, kRest };
  struct Segment {
    Kind kind;
    std::string text;
  };
  std::vector<Segment> segments_;
};

class RoomTemplate {
 public:
  // REQUIRES: `pattern` is the endpoint's own; a name that it does not have is an error.
  static Status Parse(std::string_view text, const PathPattern& pattern, RoomTemplate* out);
  std::string Expand(const PathParams& params) const;

 private:
  std::vector<std::pair<bool, std::string>> parts_;  // is a name, text
};

// False if the encoding is broken, or decodes to a NUL or to bad UTF-8.
bool PercentDecode(std::string_view text, std::string* out);

}  // namespace fanwire

#endif  // FANWIRE_CORE_PATH_PATTERN_H_
