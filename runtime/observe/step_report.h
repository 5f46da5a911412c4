#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pp {

/// The values of one update that metrics and progress show.
struct StepReport {
  int64_t step = 0;                           ///< this update's number, from 1
  int64_t total = 0;                          ///< updates of the run
  std::optional<double> loss = std::nullopt;  ///< nullopt in inference
  std::optional<double> grad_norm = std::nullopt;
  double lr = 0;
  double step_ms = 0;
  double samples_per_s = 0;
  /// nullopt if the model has no integer inputs.
  std::optional<double> tokens_per_s = std::nullopt;
  /// The fraction, from 0 to 1, of the ranks' time in which they don't compute;
  /// nullopt if it wasn't measured.
  std::optional<double> bubble = std::nullopt;
};

/// One of the numbers of `eval.metrics`.
struct MetricValue {
  std::string name;  ///< "accuracy"
  double value = 0;
};

/// The values of the evaluation after update `step` that metrics and progress
/// show.
struct EvalReport {
  int64_t step = 0;
  double loss = 0;
  double seconds = 0;
  std::vector<MetricValue> metrics = {};  ///< in the job's order
};

}  // namespace pp
