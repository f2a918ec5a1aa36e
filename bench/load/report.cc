#include "report.h"

#include <array>
#include <cstdio>

namespace fanwire::bench {

void Report::AddKey(std::string_view key) {
  json_.append(json_.empty() ? "\"" : ",\"").append(key).append("\":");
}

void Report::Add(std::string_view key, double value) {
  AddKey(key);
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.10g", value);
  json_.append(text.data());
}

void Report::Add(std::string_view key, std::string_view text) {
  AddKey(key);
  json_.append("\"").append(text).append("\"");
}

void Report::Print() const { std::printf("{%s}\n", json_.c_str()); }

}  // namespace fanwire::bench
