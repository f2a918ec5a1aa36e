#include "protocol/http_head.h"

#include <array>

namespace fanwire {
namespace {

// Which parts of a head a character may stand in.
enum CharacterClass : uint8_t { kTokenClass = 1, kValueClass = 2, kTargetClass = 4 };

constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> classes{};
  for (size_t c = 0x21; c <= 0xFF; ++c) {
    if (c != 0x7F) classes[c] |= kValueClass;
  }
  classes[' '] |= kValueClass;
  classes['\t'] |= kValueClass;
  for (size_t c = 0x21; c <= 0x7E; ++c) {
    if (c != '#') classes[c] |= kTargetClass;  // no fragment goes to a server
  }
  for (size_t c = '0'; c <= '9'; ++c) classes[c] |= kTokenClass;
  for (size_t c = 'A'; c <= 'Z'; ++c) classes[c] |= kTokenClass;
  for (size_t c = 'a'; c <= 'z'; ++c) classes[c] |= kTokenClass;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) {
    classes[static_cast<uint8_t>(c)] |= kTokenClass;
  }
  return classes;
}

constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

bool IsAll(std::string_view text, uint8_t character_class) {
  uint8_t common = character_class;
  for (const char c : text) common &= kClasses[static_cast<uint8_t>(c)];
  return common != 0;
}

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// Cuts the first line off, without its CR LF.
// REQUIRES: `*bytes` is a head as HeadScanner finds it.
std::string_view TakeLine(std::string_view* bytes) {
  const size_t line_feed = bytes->find('\n');
  const std::string_view line = bytes->substr(0, line_feed - 1);
  bytes->remove_prefix(line_feed + 1);
  return line;
}

// Bytes before the host of "http://host/path"; 0 for other forms.
size_t SchemeSize(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (EqualsIgnoreCase(target.substr(0, scheme.size()), scheme)) {
      return scheme.size();
    }
  }
  return 0;
}

bool IsTarget(std::string_view target) {
  if (target.empty() || !IsAll(target, kTargetClass)) return false;
  if (target.front() == '/') return true;
  const size_t scheme = SchemeSize(target);
  if (scheme == 0 || scheme == target.size()) return false;
  return target[scheme] != '/' && target[scheme] != '?';  // a host is there
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

HeadStatus JudgeVersion(std::string_view version) {
  if (version.size() != 8 || version.substr(0, 5) != "HTTP/" || !IsDigit(version[5]) ||
      version[6] != '.' || !IsDigit(version[7])) {
    return HeadStatus::kBad;
  }
  const bool known = version == "HTTP/1.1" || version == "HTTP/1.0";
  return known ? HeadStatus::kDone : HeadStatus::kBadVersion;
}

HeadStatus ParseRequestLine(std::string_view line, RequestHead* out) {
  const size_t first_space = line.find(' ');
  if (first_space == std::string_view::npos) return HeadStatus::kBad;
  const size_t second_space = line.find(' ', first_space + 1);
  if (second_space == std::string_view::npos) return HeadStatus::kBad;
  out->method = line.substr(0, first_space);
  out->target = line.substr(first_space + 1, second_space - first_space - 1);
  out->version = line.substr(second_space + 1);
  if (!IsToken(out->method) || !IsTarget(out->target)) return HeadStatus::kBad;
  return JudgeVersion(out->version);
}

bool ParseField(std::string_view line, HeaderField* out) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return false;
  out->name = line.substr(0, colon);
  out->value = Trim(line.substr(colon + 1));
  return IsToken(out->name) && IsFieldValue(out->value);
}

}  // namespace

bool IsToken(std::string_view text) { return !text.empty() && IsAll(text, kTokenClass); }

bool IsFieldValue(std::string_view text) { return IsAll(text, kValueClass); }

bool EqualsIgnoreCase(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char folded = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    if (folded != lower[i]) return false;
  }
  return true;
}

HeadStatus HeadScanner::Scan(std::string_view bytes, size_t max_bytes) {
  if (size_ != 0) return HeadStatus::kDone;
  if (!bytes.empty() && !IsToken(bytes.substr(0, 1))) return HeadStatus::kBad;
  const std::string_view allowed = bytes.substr(0, max_bytes);
  for (;;) {
    const size_t line_feed = allowed.find('\n', scanned_);
    if (line_feed == std::string_view::npos) break;
    if (line_feed == 0 || allowed[line_feed - 1] != '\r') {
      return HeadStatus::kBad;
    }
    if (line_feed == line_start_ + 1) {
      size_ = line_feed + 1;
      return HeadStatus::kDone;
    }
    line_start_ = line_feed + 1;
    scanned_ = line_feed + 1;
  }
  scanned_ = allowed.size();
  return bytes.size() >= max_bytes ? HeadStatus::kTooLarge : HeadStatus::kNeedMore;
}

HeadStatus ParseRequestHead(std::string_view bytes, size_t max_bytes, size_t max_fields,
                            RequestHead* out, HeadScanner* scanner) {
  HeadScanner own_scanner;
  if (scanner == nullptr) scanner = &own_scanner;
  const HeadStatus found = scanner->Scan(bytes, max_bytes);
  if (found != HeadStatus::kDone) return found;

  out->size = scanner->size();
  out->fields.clear();
  std::string_view rest = bytes.substr(0, out->size);
  const HeadStatus first = ParseRequestLine(TakeLine(&rest), out);
  if (first != HeadStatus::kDone) return first;
  for (;;) {
    const std::string_view line = TakeLine(&rest);
    if (line.empty()) return HeadStatus::kDone;
    if (out->fields.size() == max_fields) return HeadStatus::kTooLarge;
    HeaderField field;
    if (!ParseField(line, &field)) return HeadStatus::kBad;
    out->fields.push_back(field);
  }
}

std::string_view RequestHead::Find(std::string_view lower_name) const {
  for (const HeaderField& field : fields) {
    if (EqualsIgnoreCase(field.name, lower_name)) return field.value;
  }
  return {};
}

size_t RequestHead::Count(std::string_view lower_name) const {
  size_t count = 0;
  for (const HeaderField& field : fields) {
    if (EqualsIgnoreCase(field.name, lower_name)) ++count;
  }
  return count;
}

std::string_view RequestHead::path() const {
  std::string_view rest = target;
  const size_t scheme = SchemeSize(rest);
  if (scheme != 0) {
    const size_t host_end = rest.find_first_of("/?", scheme);
    if (host_end == std::string_view::npos || rest[host_end] == '?') return "/";
    rest.remove_prefix(host_end);
  }
  return rest.substr(0, rest.find('?'));
}

}  // namespace fanwire
