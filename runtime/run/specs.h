#pragma once

#include <chrono>
#include <filesystem>

#include "loader/core/error.h"
#include "runtime/job/job.h"
#include "runtime/train/lr_schedule.h"
#include "runtime/train/optimizer.h"

// The job file's words in the terms of runtime/train.

namespace pp {

inline OptimizerSpec optimizer_spec(const TrainConfig& train) {
  OptimizerSpec spec{train.optimizer.name, train.optimizer.options, {}};
  for (const GroupConfig& group : train.groups) {
    spec.groups.push_back({group.match, group.options});
  }
  return spec;
}

inline LrScheduleSpec lr_spec(const LrScheduleConfig& config) {
  return {config.name, config.warmup, config.min_lr};
}

inline std::chrono::milliseconds stall_timeout(const Job& job) {
  return std::chrono::milliseconds(
      static_cast<int64_t>(job.pipeline.stall_timeout * 1000));
}

/// Refuses, before anything runs, what can't become the output folder.
/// throws Error(Usage)
inline void check_output_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) &&
      !std::filesystem::is_directory(path, ignored)) {
    throw usage_error(
        "output.dir is " + path.string() + ", which is a file; name a folder");
  }
}

/// throws Error(Runtime) naming the folder and the system's reason
inline void make_output_folder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    throw runtime_error(
        "can't make the output folder " + path.string() + ": " +
        error.message());
  }
}

}  // namespace pp
