// ServerProcess: what the server under test has used so far: CPU of all its threads, and memory.
// Path:      /proc and the process's CPU clock -> [server_process] -> window, idle
// Threading: single-threaded program.
// Lifetime:  the process may end at any time; then the run fails.
#ifndef FANWIRE_BENCH_LOAD_SERVER_PROCESS_H_
#define FANWIRE_BENCH_LOAD_SERVER_PROCESS_H_

#include <sys/types.h>

#include <cstdint>

namespace fanwire::bench {

class ServerProcess {
 public:
  // `pid` 0: no server to ask; everything answers 0.
  explicit ServerProcess(int pid);

  // User and system time of the whole process, ended threads included, in nanoseconds. It is the
  // kernel's own clock of the process: the figure of /proc/<pid>/stat without its rounding to 10
  // ms.
  int64_t CpuNs() const;

  // Resident memory in bytes.
  int64_t ResidentBytes() const;

  bool known() const { return pid_ != 0; }

 private:
  int pid_;
  clockid_t clock_ = 0;
};

}  // namespace fanwire::bench

#endif  // FANWIRE_BENCH_LOAD_SERVER_PROCESS_H_
