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

/// Computes a job's loss over one step. Each microbatch's mean is weighted by
/// its share of the step, so that the sum over microbatches is the mean over
/// the step.
class LossFunction {
 public:
  /// trust    how far a loss graph is trusted
  /// device   where outputs and targets are
  /// throws   Error(Usage): the loss is unknown; Error(Input): the loss graph
  ///          can't be used, for example because it writes its buffers
  LossFunction(
      const LossConfig& config,
      std::string output,
      const Trust& trust,
      c10::Device device = c10::kCPU);

  /// Whether the loss reads this output of the model.
  bool reads(const std::string& output) const;
  /// Whether the loss is a graph whose export fixed the number of rows.
  bool has_fixed_rows() const;

  /// Computes each microbatch's share of the step. Call it before the step's
  /// first microbatch.
  void begin_step(const StepData& data);
  /// Returns the weighted loss of one microbatch, multiplied by the loss scale.
  /// Keeps the loss without the scale for value().
  ///
  /// key  the microbatch's random key, which only a loss graph that draws
  ///      random numbers uses
  at::Tensor operator()(
      const Microbatch& microbatch,
      const std::map<std::string, at::Tensor>& outputs,
      const RandomKey& key = {});
  /// Sets the loss scale, which applies from the next microbatch on. It is 1
  /// initially.
  void set_scale(double scale) { scale_ = scale; }
  /// Returns the step's loss, summed in double precision in the order of the
  /// microbatches' indices, whatever order they were computed in. If weight()
  /// is 0, it is the sum of what Loss::compute() returns. Waits for the device.
  double value() const;
  /// Returns the index of the first microbatch whose loss isn't finite; -1 if
  /// all are finite.
  int first_bad() const;
  /// Returns the step's number of elements or rows that enter the loss, see
  /// Loss::weight(). A microbatch's share is its own number divided by this
  /// one.
  double weight() const { return weight_; }

 private:
  std::vector<double> numbers() const;
  at::Tensor mean(
      const Microbatch& microbatch,
      const std::map<std::string, at::Tensor>& outputs,
      const RandomKey& key) const;

  struct Graph;  ///< a loss graph, which the job gives as a .pt2 file
  std::string output_;
  std::unique_ptr<Loss> loss_;
  std::shared_ptr<const Graph> graph_;
  std::vector<double> weights_;  ///< weight of each microbatch
  std::vector<double> shares_;
  double weight_ = 0;
  double scale_ = 1;
  std::vector<at::Tensor> values_;
};

}  // namespace pp
