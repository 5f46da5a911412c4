// This is the only file that includes spdlog: Debian's spdlog and LibTorch
// bring two versions of fmt, which do not mix in one translation unit.
#include "loader/core/log.h"

#include <filesystem>

#include <spdlog/details/os.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "loader/core/log_spec.h"
#include "loader/core/text.h"

namespace pp {

struct Log::Sink {
  explicit Sink(spdlog::sink_ptr sink) : logger("pp", std::move(sink)) {
    logger.set_level(spdlog::level::trace);
    logger.set_pattern("%v");
    logger.flush_on(spdlog::level::trace);
  }
  spdlog::logger logger;
};

namespace {

struct LevelName {
  LogLevel level;
  spdlog::level::level_enum spdlog;
  char letter;
};

constexpr LevelName kLevels[] = {
    {LogLevel::Error, spdlog::level::err, 'E'},
    {LogLevel::Warning, spdlog::level::warn, 'W'},
    {LogLevel::Info, spdlog::level::info, 'I'},
    {LogLevel::Debug, spdlog::level::debug, 'V'},
};

/// How closely a name in TORCH_LOGS matches `pp`; 0 if it doesn't match. The
/// closest match sets the level, at any position in the list; among equally
/// close matches, the last one.
int closeness(std::string_view name) {
  if (name == "pp" || name == "torch.distributed.pipelining") {
    return 3;
  }
  if (name == "distributed" || name == "torch.distributed") {
    return 2;
  }
  return name == "all" || name == "torch" ? 1 : 0;
}

}  // namespace

std::optional<LogLevel> try_parse_log_level(std::string_view spec) {
  std::optional<LogLevel> level;
  int closest = 1;
  while (!spec.empty()) {
    const size_t comma = spec.find(',');
    std::string_view part = spec.substr(0, comma);
    spec = comma == std::string_view::npos ? "" : spec.substr(comma + 1);
    while (!part.empty() && part.front() == ' ') {
      part.remove_prefix(1);
    }
    while (!part.empty() && part.back() == ' ') {
      part.remove_suffix(1);
    }
    LogLevel named = LogLevel::Info;
    if (!part.empty() && (part.front() == '+' || part.front() == '-')) {
      named = part.front() == '+' ? LogLevel::Debug : LogLevel::Error;
      part.remove_prefix(1);
    }
    if (closeness(part) >= closest) {
      closest = closeness(part);
      level = named;
    }
  }
  return level;
}

LogLevel parse_log_level(std::string_view spec) {
  return try_parse_log_level(spec).value_or(LogLevel::Warning);
}

Log::Log() : Log(LogLevel::Warning) {}

Log::Log(LogLevel level, std::optional<int> rank)
    : sink_(std::make_shared<Sink>(
          std::make_shared<spdlog::sinks::stderr_color_sink_mt>())),
      level_(level),
      rank_(rank) {}

Log Log::for_rank(int rank) const {
  Log copy = *this;
  copy.rank_ = rank;
  return copy;
}

void Log::write(
    LogLevel level,
    std::string_view message,
    const char* file,
    int line) const {
  if (!enabled(level)) {
    return;
  }
  const LevelName& name = kLevels[static_cast<int>(level)];
  const auto now = spdlog::log_clock::now();
  const std::time_t seconds = spdlog::log_clock::to_time_t(now);
  const std::tm local = spdlog::details::os::localtime(seconds);
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(
                          now.time_since_epoch())
                          .count() %
                      1000;
  std::string rank;
  if (rank_) {
    rank = spdlog::fmt_lib::format("[rank{}] ", *rank_);
  }
  sink_->logger.log(
      name.spdlog,
      spdlog::fmt_lib::format(
          "{}{} {:02}:{:02}:{:02}.{:03} {}:{}] {}",
          rank,
          name.letter,
          local.tm_hour,
          local.tm_min,
          local.tm_sec,
          millis,
          std::filesystem::path(file).filename().string(),
          line,
          visible_text(message)));
}

void Log::error(std::string_view message, const char* file, int line) const {
  write(LogLevel::Error, message, file, line);
}
void Log::warning(std::string_view message, const char* file, int line) const {
  write(LogLevel::Warning, message, file, line);
}
void Log::info(std::string_view message, const char* file, int line) const {
  write(LogLevel::Info, message, file, line);
}
void Log::debug(std::string_view message, const char* file, int line) const {
  write(LogLevel::Debug, message, file, line);
}

}  // namespace pp
