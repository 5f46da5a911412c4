#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "loader/core/log.h"
#include "runtime/options/on_nan.h"
#include "runtime/training/step_runner.h"

namespace pp {

/// Tells the user about steps whose numbers can't be used for an update.
class FaultReports {
 public:
  /// log  the log of the job's first rank; on the others, one without warnings
  FaultReports(OnNan on_nan, Log log) : on_nan_(on_nan), log_(std::move(log)) {}

  /// Records a step and warns about it, unless its fault ends the run. With
  /// OnNan::Continue only the first fault is reported.
  ///
  /// step  counted from 1
  void note(int64_t step, const StepOutcome& outcome);

  /// Continues a run whose update `step` was the first bad one. Its fault has
  /// been reported.
  void resume(std::optional<int64_t> step) { first_bad_ = step; }

  /// Makes the error of a run that ends with this step.
  ///
  /// checkpoint  the last one saved; nullopt: nothing was saved
  static std::string end_text(
      int64_t step,
      const StepOutcome& outcome,
      const std::optional<std::filesystem::path>& checkpoint);

  /// The first step whose update put NaN or infinity into the model; nullopt if
  /// no update did.
  std::optional<int64_t> first_bad_update() const { return first_bad_; }

  /// Warns how many updates of the run were skipped.
  void finish() const;

 private:
  OnNan on_nan_;
  Log log_;
  int64_t num_steps_ = 0;
  int64_t num_left_out_ = 0;
  std::optional<int64_t> first_bad_;
};

}  // namespace pp
