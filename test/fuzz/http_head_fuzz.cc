// A request head means the same however it is cut; its parts lie within it, hold only what HTTP
// allows, and can be put together again. The answers to it are themselves well formed.
// Input: one byte chooses the limit, one the cuts, the rest comes from the client.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "protocol/http_head.h"
#include "protocol/upgrade.h"

namespace fanwire {
namespace {

constexpr size_t kMaxFields = 20;
constexpr size_t kLimits[] = {16, 100, 1000, 100000};

void Require(bool condition) {
  if (!condition) std::abort();
}

// The head's bytes in a block of their own, so that a look beyond them is seen.
HeadStatus ParseInPieces(std::string_view bytes, size_t max_bytes, size_t step, RequestHead* head,
                         std::string* storage) {
  HeadScanner scanner;
  for (size_t size = 0;; size = std::min(size + step, bytes.size())) {
    storage->assign(bytes.substr(0, size));
    storage->shrink_to_fit();
    const HeadStatus status = ParseRequestHead(*storage, max_bytes, kMaxFields, head, &scanner);
    if (status != HeadStatus::kNeedMore || size == bytes.size()) return status;
  }
}

void CheckHead(const RequestHead& head, std::string_view bytes, size_t max_bytes) {
  Require(head.size <= max_bytes && head.size <= bytes.size());
  Require(bytes.substr(0, head.size).ends_with("\r\n\r\n"));
  Require(head.fields.size() <= kMaxFields);
  Require(IsToken(head.method));
  Require(head.path().starts_with('/'));
  Require(head.path().find_first_of("?# \r\n") == std::string_view::npos);
  for (const HeaderField& field : head.fields) {
    Require(IsToken(field.name) && IsFieldValue(field.value));
    Require(field.name.data() > bytes.data());
    Require(field.value.data() + field.value.size() <= bytes.data() + head.size);
  }
}

void CheckSameWhenWrittenAgain(const RequestHead& head) {
  std::string lines;
  for (const HeaderField& field : head.fields) {
    lines.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  Require(IsSafeHeaderLines(lines));
  std::string text;
  text.append(head.method).append(" ").append(head.target).append(" ").append(head.version);
  text.append("\r\n").append(lines).append("\r\n");
  RequestHead again;
  Require(ParseRequestHead(text, text.size(), kMaxFields, &again) == HeadStatus::kDone);
  Require(again.path() == head.path() && again.fields.size() == head.fields.size());
  for (size_t i = 0; i < head.fields.size(); ++i) {
    Require(again.fields[i].name == head.fields[i].name);
    Require(again.fields[i].value == head.fields[i].value);
  }
}

void CheckAnswer(const RequestHead& head) {
  const UpgradeCheck check = CheckUpgrade(head);
  std::string answer;
  if (check.status == 101) {
    Require(head.Count("sec-websocket-key") == 1 && head.Count("host") == 1);
    AppendSwitching(&answer, head.Find("sec-websocket-key"), "", check.header_lines);
  } else {
    Require(check.status >= 400 && !check.reason.empty());
    AppendRefusal(&answer, check.status, check.header_lines, check.reason);
  }
  Require(answer.find("\r\n\r\n") != std::string::npos);
}

}  // namespace
}  // namespace fanwire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fanwire;  // NOLINT(google-build-using-namespace)
  if (size < 2) return 0;
  const size_t max_bytes = kLimits[data[0] % std::size(kLimits)];
  const size_t step = 1 + data[1] % 64;
  const std::string bytes(data + 2, data + size);

  RequestHead head;
  const HeadStatus status = ParseRequestHead(bytes, max_bytes, kMaxFields, &head);
  RequestHead piecewise;
  std::string storage;
  Require(ParseInPieces(bytes, max_bytes, step, &piecewise, &storage) == status);
  IsSafeHeaderLines(bytes);
  HasToken(bytes, "websocket");
  if (status != HeadStatus::kDone) return 0;

  Require(piecewise.size == head.size && piecewise.fields.size() == head.fields.size());
  CheckHead(head, bytes, max_bytes);
  CheckHead(piecewise, storage, max_bytes);
  CheckSameWhenWrittenAgain(head);
  CheckAnswer(head);
  return 0;
}
