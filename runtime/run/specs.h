#pragma once

#include <chrono>

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

}  // namespace pp
