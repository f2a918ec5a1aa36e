// Report: what a run found, as one line of JSON on stdout.
// Path:      scenario, window -> [report] -> bench/run.js
// Threading: single-threaded program.
// Lifetime:  one per run.
#ifndef FANWIRE_BENCH_LOAD_REPORT_H_
#define FANWIRE_BENCH_LOAD_REPORT_H_

#include <string>
#include <string_view>

namespace fanwire::bench {

class Report {
 public:
  // Keys and texts are plain ASCII without quotes.
  void Add(std::string_view key, double value);
  void Add(std::string_view key, std::string_view text);
  void Print() const;

 private:
  void AddKey(std::string_view key);
  std::string json_;
};

}  // namespace fanwire::bench

#endif  // FANWIRE_BENCH_LOAD_REPORT_H_
