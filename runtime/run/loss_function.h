#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/program/program.h"
#include "runtime/run/plan.h"
#include "runtime/run/step_data.h"
#include "runtime/train/loss.h"

namespace pp {

/// A job's loss over one step: each microbatch's mean, weighted by its share
/// of the step, so that the sum over microbatches is the mean over the step.
class LossFunction {
 public:
  /// device  where outputs and targets are
  /// throws  Error(Usage): unknown loss; Error(Input): the loss graph
  LossFunction(
      const LossConfig& config,
      std::string output,
      c10::Device device = c10::kCPU);

  /// Fixes the shares. Call before the step's first microbatch.
  void begin_step(const StepData& data);
  /// The weighted loss of one microbatch times the scale, and remembers its
  /// value without that.
  at::Tensor operator()(
      const Microbatch& microbatch,
      const std::map<std::string, at::Tensor>& outputs);
  /// From the next microbatch on; 1 before the first call.
  void set_scale(double scale) { scale_ = scale; }
  /// The step's loss: summed in double by microbatch index, whatever order
  /// they were computed in. Waits for the device.
  double value() const;
  /// What the step's shares are shares of: elements or rows.
  double weight() const { return weight_; }

 private:
  at::Tensor mean(
      const Microbatch& microbatch,
      const std::map<std::string, at::Tensor>& outputs) const;

  struct Graph;  ///< a loss of its own in a .pt2
  std::string output_;
  std::unique_ptr<Loss> loss_;
  std::shared_ptr<const Graph> graph_;
  std::vector<double> weights_;  ///< by microbatch
  std::vector<double> shares_;
  double weight_ = 0;
  double scale_ = 1;
  std::vector<at::Tensor> values_;
};

}  // namespace pp
