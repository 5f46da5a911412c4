#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pp {

enum class LogLevel { Error, Warning, Info, Debug };

/// Reads the level from a TORCH_LOGS-style list: `pp` is Info, `+pp` Debug,
/// `-pp` Error; `torch.distributed.pipelining` is another name for `pp`; other
/// parts (`+dynamo`) are passed over. Nothing for pp in it: Warning.
LogLevel parse_log_level(std::string_view spec);

/// Writes lines such as
/// `[rank1] I 07:15:36.123 executor.cpp:88] ...` to standard error.
///
/// A value: copies share one sink. Every call is thread safe. There is no
/// global logger: what logs is handed one.
class Log {
 public:
  /// Warnings and errors to standard error, no rank.
  Log();
  explicit Log(LogLevel level, std::optional<int> rank = std::nullopt);

  /// The same sink and level, lines marked with `rank`.
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
  /// Build the message only if enabled(LogLevel::Debug).
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
