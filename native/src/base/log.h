// LogSink: where lines for the application's logger go; no line is ever printed by the engine
// itself.
// Path:      beside the data path.
// Threading: as the implementer says; the reactor's own sink is reactor-owned.
// Lifetime:  outlives its users.
#ifndef FANWIRE_BASE_LOG_H_
#define FANWIRE_BASE_LOG_H_

#include <cstdint>
#include <string_view>

namespace fanwire {

enum class LogLevel : uint8_t { kError = 0, kWarn = 1, kInfo = 2, kDebug = 3 };

class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void Log(LogLevel level, std::string_view line) = 0;
};

}  // namespace fanwire

#endif  // FANWIRE_BASE_LOG_H_
