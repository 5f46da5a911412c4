#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "loader/allowed/trust.h"
#include "runtime/optim/loss.h"
#include "runtime/pipeline/step_data.h"
#include "runtime/plan/plan.h"
#include "runtime/program/keyed_random.h"
#include "runtime/program/program.h"

namespace pp {

/// A job's loss over one step: each microbatch's mean is weighted by its share
/// of the step, so that the sum over microbatches is the mean over the step.
class LossFunction {
 public:
  /// trust    how far a loss graph is trusted
  /// device   where outputs and targets are
  /// throws   Error(Usage): unknown loss; Error(Input): the loss graph, or one
  ///          that writes its buffers
  LossFunction(
      const LossConfig& config,
      std::string output,
      const Trust& trust,
      c10::Device device = c10::kCPU);

  /// Computes the shares. Call it before the step's first microbatch.
  void begin_step(const StepData& data);
  /// Returns the weighted loss of one microbatch, times the scale. Remembers
  /// the loss without the scale.
  ///
  /// key  of the microbatch, for a loss graph that draws random numbers
  at::Tensor operator()(
      const Microbatch& microbatch,
      const std::map<std::string, at::Tensor>& outputs,
      const RandomKey& key = {});
  /// Sets the loss scale from the next microbatch on; it is 1 at first.
  void set_scale(double scale) { scale_ = scale; }
  /// Returns the step's loss, summed in double precision by microbatch index,
  /// whatever order microbatches were computed in. Waits for the device.
  double value() const;
  /// Returns the first microbatch whose part of value() isn't finite, or -1.
  int first_bad() const;
  /// Returns the number of elements or rows of the whole step. A microbatch's
  /// share is its own number divided by this one.
  double weight() const { return weight_; }

 private:
  std::vector<double> numbers() const;
  at::Tensor mean(
      const Microbatch& microbatch,
      const std::map<std::string, at::Tensor>& outputs,
      const RandomKey& key) const;

  struct Graph;  ///< a loss that the job gives as a .pt2
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
