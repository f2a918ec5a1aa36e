// fanwire-load: a load client for WebSocket servers on this machine. One run, one line of JSON.
// Path:      command line -> [main] -> scenario -> report
// Threading: single-threaded program.
// Lifetime:  the process.
#include "echo.h"
#include "fan_out.h"
#include "lifecycle.h"
#include "loop.h"
#include "options.h"
#include "ping.h"
#include "report.h"
#include "watch.h"

using namespace fanwire::bench;

int main(int argc, char** argv) {
  const Options options = ParseOptions(argc, argv);
  Loop loop(options.limit_ms);
  Report report;
  report.Add("scenario", options.scenario_name);
  switch (options.scenario) {
    case Scenario::kEcho:
      Echo(&loop, options).Run(&report);
      break;
    case Scenario::kFanOut:
      FanOut(&loop, options).Run(&report);
      break;
    case Scenario::kPing:
      Ping(&loop, options).Run(&report);
      break;
    case Scenario::kIdle:
      Lifecycle(&loop, options).RunIdle(&report);
      break;
    case Scenario::kHandshake:
      Lifecycle(&loop, options).RunHandshake(&report);
      break;
    case Scenario::kChurn:
      Lifecycle(&loop, options).RunChurn(&report);
      break;
    case Scenario::kWatch:
      Watch(&loop, options).Run(&report);
      break;
  }
  report.Print();
  return 0;
}
