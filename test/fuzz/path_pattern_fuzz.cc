// A pattern and a path of any bytes: matching agrees with a plain reference, and a room is made of
// nothing but the template and the decoded values.
// Input: the pattern, a NUL, the path, a NUL, the room template.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "core/path_pattern.h"

namespace fanwire {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

std::vector<std::string> SplitAt(char separator, std::string_view text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// By the rules in the header, with no eye on speed. REQUIRES: the pattern was parsed.
bool MatchesPlainly(const std::string& pattern, const std::string& path,
                    std::vector<std::string>* values) {
  if (path.empty() || path[0] != '/') return false;
  std::vector<std::string> wanted = SplitAt('/', pattern), segments = SplitAt('/', path);
  for (size_t i = 1; i < wanted.size(); i++) {
    if (wanted[i] == "**") return true;
    std::string decoded;
    if (i >= segments.size() || !PercentDecode(segments[i], &decoded)) return false;
    if (decoded.find('/') != std::string::npos) return false;
    const bool any = wanted[i] == "*" || wanted[i].starts_with(':');
    std::string literal;
    if (!any) Require(PercentDecode(wanted[i], &literal));
    if (any ? decoded.empty() : decoded != literal) return false;
    if (wanted[i].starts_with(':')) values->push_back(decoded);
  }
  return segments.size() == wanted.size();
}

}  // namespace
}  // namespace fanwire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fanwire;  // NOLINT(google-build-using-namespace)
  const std::string input(data, data + size);
  const size_t first = input.find('\0');
  if (first == std::string::npos) return 0;
  const size_t last = input.rfind('\0');
  const std::string text = input.substr(0, first);
  const std::string path = last > first ? input.substr(first + 1, last - first - 1) : "";

  std::string decoded;
  if (PercentDecode(path, &decoded)) {
    Require(decoded.size() <= path.size());
    Require(decoded.find('\0') == std::string::npos);
  }
  PathPattern pattern;
  if (!PathPattern::Parse(text, &pattern).ok()) return 0;
  PathParams params;
  std::vector<std::string> values;
  const bool matches = pattern.Match(path, &params);
  Require(matches == pattern.Match(path, nullptr));
  Require(matches == MatchesPlainly(text, path, &values));
  if (!matches) return 0;
  Require(params.size() == values.size());
  size_t most = 0;
  for (size_t i = 0; i < values.size(); i++) {
    Require(pattern.HasParam(params[i].first));
    Require(params[i].second == values[i] && !values[i].empty());
    most += values[i].size();
  }
  RoomTemplate room;
  const std::string room_text = input.substr(last + 1);
  if (!RoomTemplate::Parse(room_text, pattern, &room).ok()) return 0;
  const std::string name = room.Expand(params);
  Require(name.size() <= room_text.size() * (most + 1));
  if (room_text.find(':') == std::string::npos) Require(name == room_text);
  return 0;
}
