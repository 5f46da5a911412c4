#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "loader/core/log.h"
#include "runtime/options/on_nan.h"
#include "runtime/training/step_runner.h"

namespace pp {

/// Tells the user about steps whose loss, gradients or states can't be used for
/// an update.
class FaultReports {
 public:
  /// log  rank 0's log; the other ranks pass a log without warnings
  FaultReports(OnNan on_nan, Log log) : on_nan_(on_nan), log_(std::move(log)) {}

  /// Records the outcome of a step and warns if it has a fault, unless the
  /// fault ends the run. With OnNan::Continue only the first fault is reported.
  ///
  /// step  the step's number, counted from 1
  void note(int64_t step, const StepOutcome& outcome);

  /// Restores the result of first_bad_update() when a run is resumed from a
  /// checkpoint. That fault was reported before.
  void resume(std::optional<int64_t> step) { first_bad_ = step; }

  /// Returns the error message of a run that ends at step `step`.
  ///
  /// checkpoint  the last checkpoint that was saved; nullopt: none was saved
  static std::string end_text(
      int64_t step,
      const StepOutcome& outcome,
      const std::optional<std::filesystem::path>& checkpoint);

  /// Returns the first step whose update put NaN or infinity into the model;
  /// nullopt if no update did.
  std::optional<int64_t> first_bad_update() const { return first_bad_; }

  /// Warns how many updates of the run were skipped, if any were.
  void finish() const;

 private:
  OnNan on_nan_;
  Log log_;
  int64_t num_steps_ = 0;
  int64_t num_left_out_ = 0;
  std::optional<int64_t> first_bad_;
};

}  // namespace pp
