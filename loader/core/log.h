#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pp {

enum class LogLevel { Error, Warning, Info, Debug };

/// Reads the log level from a list in the style of TORCH_LOGS: `pp` means Info,
/// `+pp` Debug, `-pp` Error. `torch.distributed.pipelining` is another name for
/// `pp`; other entries (`+dynamo`) are ignored. If the list doesn't mention
/// `pp`, the level is Warning.
LogLevel parse_log_level(std::string_view spec);

/// Writes lines such as
/// `[rank1] I 07:15:36.123 executor.cpp:88] ...` to standard error.
///
/// A value type: copies share one sink. All members are thread-safe. There is
/// no global logger; pass a Log to code that needs one.
class Log {
 public:
  /// Creates a log of warnings and errors whose lines name no rank.
  Log();
  explicit Log(LogLevel level, std::optional<int> rank = std::nullopt);

  /// Returns a log with the same sink and level whose lines are marked with
  /// `rank`.
  Log for_rank(int rank) const;

  LogLevel level() const { return level_; }
  bool enabled(LogLevel level) const { return level <= level_; }

  void error(
      std::string_view message,
      const char* file = __builtin_FILE(),
      int line = __builtin_LINE()) const;
  void warning(
      std::string_view message,
      const char* file = __builtin_FILE(),
      int line = __builtin_LINE()) const;
  void info(
      std::string_view message,
      const char* file = __builtin_FILE(),
      int line = __builtin_LINE()) const;
  /// Check enabled(LogLevel::Debug) before building an expensive message.
  void debug(
      std::string_view message,
      const char* file = __builtin_FILE(),
      int line = __builtin_LINE()) const;

 private:
  struct Sink;
  void write(
      LogLevel level,
      std::string_view message,
      const char* file,
      int line) const;

  std::shared_ptr<Sink> sink_;
  LogLevel level_ = LogLevel::Warning;
  std::optional<int> rank_;
};

}  // namespace pp
