#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "runtime/options/optimizer.h"

namespace pp {

struct NamedParameter {
  std::string fqn;
  at::Tensor tensor;                      ///< a leaf that requires grad
  std::vector<std::string> aliases = {};  ///< its other names
};

/// Finds a saved tensor by name; undefined if there is none.
using TensorLookup = std::function<at::Tensor(const std::string& name)>;

/// Updates parameters from their `.grad` with LibTorch's fused kernels; the
/// results are bit-identical to `torch.optim.X(fused=True)`. A parameter
/// without a gradient stays unchanged. A parameter in half precision (bfloat16,
/// float16) has a float32 copy, the master, and float32 state; the master is
/// updated, so that updates smaller than the parameter's rounding aren't lost.
/// Real and imaginary parts of a complex parameter are updated as two real
/// parameters, as torch's other optimizers do (its fused ones refuse complex
/// parameters); the state is complex.
/// Parameters that share a storage are updated one after the other, each with
/// its own state; their masters share memory in the same way.
/// Not thread safe; each rank has its own optimizer.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// Makes one update.
  ///
  /// lr  learning rate of this step. A group with an `lr` of its own uses it in
  ///     proportion: group lr x (lr / the job's lr).
  void step(double lr);

  /// Clears the gradients.
  ///
  /// in_place  set existing gradients to zero in their memory; else drop them
  void zero_grad(bool in_place = false);

  /// The state to save: "optimizer.exp_avg.<fqn>" and so on, and the masters as
  /// "optimizer.master.<fqn>". The tensors are not copies. Empty before the
  /// first step.
  std::map<std::string, at::Tensor> state() const;

  /// Copies saved state.
  ///
  /// may_be_new  whether the state may have been saved before the first update
  /// throws      Error(Input) naming what is missing or doesn't fit; also if
  ///             there is no state at all although this optimizer keeps some,
  ///             unless `may_be_new`
  void load_state(const TensorLookup& find, bool may_be_new = false);

  /// The job's `lr`.
  double base_lr() const { return config_.options.lr; }
  /// Bytes of state for all parameters, from the first step on.
  uint64_t state_bytes() const;
  std::span<const NamedParameter> parameters() const { return parameters_; }

 protected:
  Optimizer(OptimizerConfig config, std::vector<NamedParameter> parameters);

  /// One parameter's state tensors in the order of the optimizer's `states`;
  /// empty before the first step in which it has a gradient.
  using State = std::vector<at::Tensor>;
  /// The state tensors that are kept for a parameter.
  std::vector<OptimizerState> states(size_t parameter) const {
    return config_.states(options(parameter));
  }
  /// A parameter's state before the first step: zeros.
  State initial_state(size_t parameter) const;
  const OptimizerOptions& options(size_t parameter) const {
    return options_[parameter];
  }

  /// Parameters that one kernel call updates: same options and dtype.
  struct Batch {
    std::vector<size_t> parameters;
  };
  /// Updates a batch's parameters that have a gradient.
  virtual void update(const Batch& batch, double lr) = 0;
  /// The tensor that a kernel updates: the parameter or its master, or a dense
  /// copy where that has gaps.
  at::Tensor& target(size_t parameter);
  /// A parameter's gradient with the dtype and memory layout of its target,
  /// because kernels iterate over memory and not indices; undefined if it has
  /// none.
  at::Tensor gradient(size_t parameter) const;
  /// A tensor as kernels accept it: real, with the parts of a complex number
  /// side by side. Shares memory with `tensor`.
  static at::Tensor real(const at::Tensor& tensor);
  /// Zeros like the target.
  at::Tensor zeros(size_t parameter) const;

  OptimizerConfig config_;
  std::vector<NamedParameter> parameters_;
  // One entry per parameter:
  std::vector<OptimizerOptions> options_;
  std::vector<State> states_;
  std::vector<at::Tensor> masters_;  ///< undefined: none yet
  std::vector<Batch> batches_;

 private:
  void add_to_batch(size_t parameter);
  /// The learning rate of a batch in a step with learning rate `lr`.
  double lr_of(const Batch& batch, double lr) const;
  at::Tensor& master(size_t parameter);
  void load_master(size_t parameter, const TensorLookup& find);
  /// Copies what update() left in copies and masters to the parameters.
  void write_back(const Batch& batch);

  std::vector<at::Tensor> packed_;  ///< dense copies during an update
  /// The indices of all parameters that lie in one storage, by each of them.
  /// They are updated one after the other, in their order.
  std::map<size_t, std::vector<size_t>> sharing_memory_;
};

/// parameters  this rank's, each once. A group that matches none of them is not
///             an error: its parameters may be on another rank.
std::unique_ptr<Optimizer> make_optimizer(
    const OptimizerConfig& config, std::vector<NamedParameter> parameters);

}  // namespace pp
