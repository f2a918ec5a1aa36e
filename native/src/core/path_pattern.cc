#include "core/path_pattern.h"

#include <algorithm>

#include "protocol/utf8.h"

namespace fanwire {
namespace {

Status Bad(std::string_view text, const char* why) {
  return Status::Error("ERR_FANWIRE_PATTERN", "the pattern '" + std::string(text) + "' " + why);
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = char(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The next segment of `path`, which begins with its slash, and the rest.
std::string_view TakeSegment(std::string_view* path) {
  path->remove_prefix(1);
  const size_t end = std::min(path->find('/'), path->size());
  std::string_view segment = path->substr(0, end);
  path->remove_prefix(end);
  return segment;
}

}  // namespace

bool PercentDecode(std::string_view text, std::string* out) {
  out->clear();
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] == '\0') return false;
    if (text[i] != '%') {
      out->push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return false;
    const int high = HexDigit(text[i + 1]), low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return false;
    out->push_back(char(high << 4 | low));
    i += 2;
  }
  return IsValidUtf8(reinterpret_cast<const uint8_t*>(out->data()), out->size());
}

// A segment is decoded on both sides of the comparison; a slash in it would be another segment.
static bool DecodeSegment(std::string_view text, std::string* out) {
  return PercentDecode(text, out) && out->find('/') == std::string::npos;
}

Status PathPattern::Parse(std::string_view text, PathPattern* out) {
  if (text.empty() || text[0] != '/') return Bad(text, "must begin with '/'");
  PathPattern pattern;
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view segment = TakeSegment(&rest);
    if (segment == "**") {
      if (!rest.empty()) return Bad(text, "may have '**' only at its end");
      pattern.segments_.push_back({Kind::kRest, ""});
    } else if (segment == "*") {
      pattern.segments_.push_back({Kind::kAny, ""});
    } else if (!segment.empty() && segment[0] == ':') {
      segment.remove_prefix(1);
      if (segment.empty() || !std::all_of(segment.begin(), segment.end(), IsNameChar)) {
        return Bad(text, "has a name that is not made of letters, digits and '_'");
      }
      if (pattern.HasParam(segment)) return Bad(text, "has the same name twice");
      pattern.segments_.push_back({Kind::kNamed, std::string(segment)});
    } else {
      if (segment.find_first_of("?#*: ") != std::string_view::npos) {
        return Bad(text, "has a '?', '#', '*', ':' or space inside a segment");
      }
      std::string literal;
      if (!DecodeSegment(segment, &literal)) return Bad(text, "has a malformed segment");
      pattern.segments_.push_back({Kind::kLiteral, std::move(literal)});
    }
  }
  *out = std::move(pattern);
  return {};
}

bool PathPattern::HasParam(std::string_view name) const {
  return std::any_of(segments_.begin(), segments_.end(),
                     [&](const Segment& s) { return s.kind == Kind::kNamed && s.text == name; });
}

bool PathPattern::Match(std::string_view path, PathParams* params) const {
  if (params != nullptr) params->clear();
  if (path.empty() || path[0] != '/') return false;
  for (const Segment& segment : segments_) {
    if (segment.kind == Kind::kRest) return true;
    if (path.empty()) return false;
    const std::string_view text = TakeSegment(&path);
    std::string decoded;
    if (!DecodeSegment(text, &decoded)) return false;
    if (segment.kind == Kind::kLiteral) {
      if (decoded != segment.text) return false;
      continue;
    }
    if (decoded.empty()) return false;
    if (segment.kind == Kind::kNamed && params != nullptr)
      params->emplace_back(segment.text, std::move(decoded));
  }
  return path.empty();
}

Status RoomTemplate::Parse(std::string_view text, const PathPattern& pattern, RoomTemplate* out) {
  RoomTemplate parsed;
  std::string literal;
  for (size_t i = 0; i < text.size();) {
    size_t end = i + 1;
    if (text[i] == ':') {
      while (end < text.size() && IsNameChar(text[end])) end++;
    }
    if (end == i + 1) {
      literal.push_back(text[i++]);
      continue;
    }
    const std::string_view name = text.substr(i + 1, end - i - 1);
    if (!pattern.HasParam(name)) {
      return Status::Error("ERR_FANWIRE_PATTERN", "publishTo '" + std::string(text) +
                                                      "' names ':" + std::string(name) +
                                                      "', which the path does not have");
    }
    if (!literal.empty()) parsed.parts_.emplace_back(false, std::exchange(literal, {}));
    parsed.parts_.emplace_back(true, name);
    i = end;
  }
  if (!literal.empty()) parsed.parts_.emplace_back(false, literal);
  *out = std::move(parsed);
  return {};
}

std::string RoomTemplate::Expand(const PathParams& params) const {
  std::string room;
  for (const auto& [is_name, text] : parts_) {
    if (!is_name) {
      room += text;
      continue;
    }
    for (const auto& [name, value] : params) {
      if (name == text) room += value;
    }
  }
  return room;
}

}  // namespace fanwire
