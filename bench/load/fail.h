// Fail: ends the run loudly; a figure from a faulty run must never look like a figure.
// Path:      anything that does not hold -> [fail] -> stderr, exit status 1
// Threading: single-threaded program.
// Lifetime:  does not return.
#ifndef FANWIRE_BENCH_LOAD_FAIL_H_
#define FANWIRE_BENCH_LOAD_FAIL_H_

#include <string_view>

namespace fanwire::bench {

// Prints "fanwire-load: <reason>" to stderr and exits with status 1.
[[noreturn]] void Fail(std::string_view reason);

// As Fail(), with the text of `errno` behind `call`.
[[noreturn]] void FailErrno(std::string_view call);

}  // namespace fanwire::bench

#endif  // FANWIRE_BENCH_LOAD_FAIL_H_
