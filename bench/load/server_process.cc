#include "server_process.h"

#include <ctime>
#include <fstream>
#include <string>

#include "fail.h"

namespace fanwire::bench {

ServerProcess::ServerProcess(int pid) : pid_(pid) {
  if (pid_ != 0 && clock_getcpuclockid(pid_, &clock_) != 0) Fail("--server-pid is no process");
}

int64_t ServerProcess::CpuNs() const {
  if (pid_ == 0) return 0;
  timespec time{};
  if (clock_gettime(clock_, &time) != 0) Fail("the server process ended");
  return time.tv_sec * 1'000'000'000ll + time.tv_nsec;
}

int64_t ServerProcess::ResidentBytes() const {
  if (pid_ == 0) return 0;
  std::ifstream file("/proc/" + std::to_string(pid_) + "/smaps_rollup");
  std::string word;
  while (file >> word) {
    if (word != "Rss:") continue;
    int64_t kib = 0;
    file >> kib;
    return kib * 1024;
  }
  Fail("the memory of the server process cannot be read");
}

}  // namespace fanwire::bench
