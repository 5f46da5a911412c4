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
  at::Tensor tensor;  ///< a leaf that requires grad
  /// The parameter's other names in the model, if it is tied.
  std::vector<std::string> aliases = {};
};

/// Finds a saved tensor by name. Returns an undefined tensor if none has that
/// name.
using TensorLookup = std::function<at::Tensor(const std::string& name)>;

/// Updates parameters from their `.grad`; the results are bit-identical to
/// those of torch's optimizers, the fused ones where torch has them. A
/// parameter without a gradient stays unchanged. A parameter in half precision
/// (bfloat16, float16) has a float32 copy, the master, and float32 state. The
/// optimizer updates the master, so that updates smaller than the parameter's
/// rounding aren't lost. The real and imaginary parts of a complex parameter
/// are updated as two real parameters, as torch's unfused optimizers do (the
/// fused ones refuse complex parameters); the state is complex. Parameters that
/// share a storage are updated one after the other, each with its own state;
/// their masters share memory in the same way. Not thread safe; each rank has
/// its own optimizer.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// Updates every parameter that has a gradient.
  ///
  /// lr  the step's learning rate. A group with an `lr` of its own uses its
  ///     `lr` scaled by the same factor: group lr x (lr / the job's lr).
  void step(double lr);

  /// Clears the gradients.
  ///
  /// in_place  true: existing gradients are set to zero in their memory; false:
  ///           they are dropped
  void zero_grad(bool in_place = false);

  /// Replaces the parameters by their moving averages, if the job keeps them
  /// and a step has been made. use_parameters() must follow before the next
  /// step.
  void use_averages();
  /// Gives the parameters back the values that they had before use_averages(),
  /// with the same bits.
  void use_parameters();

  /// Returns the state to save: state tensors as "optimizer.exp_avg.<fqn>" and
  /// so on, masters as "optimizer.master.<fqn>", moving averages as
  /// "optimizer.ema.<fqn>". The tensors share the optimizer's memory. Empty
  /// before the first step.
  std::map<std::string, at::Tensor> state() const;

  /// Checks that this optimizer can load saved state, by the tensors' names,
  /// types and sizes.
  ///
  /// may_be_new  whether the state may have been saved before the first update
  /// throws      Error(Input) naming the tensor that is missing or doesn't fit.
  ///             If no state is found at all, throws only if this optimizer
  ///             keeps state and `may_be_new` is false
  void check_state(const TensorLookup& find, bool may_be_new = false) const;
  /// Copies saved state into this optimizer.
  /// throws  what check_state() throws
  void load_state(const TensorLookup& find, bool may_be_new = false);

  /// The job's `lr`, before any schedule.
  double base_lr() const { return config_.options.lr; }
  /// Bytes of state for all parameters once each has been updated.
  uint64_t state_bytes() const;
  std::span<const NamedParameter> parameters() const { return parameters_; }

 protected:
  Optimizer(OptimizerConfig config, std::vector<NamedParameter> parameters);

  /// One parameter's state tensors, in the order of states(); empty before the
  /// first step in which the parameter has a gradient.
  using State = std::vector<at::Tensor>;
  /// Returns which state tensors the optimizer keeps for a parameter.
  std::vector<OptimizerState> states(size_t parameter) const {
    return config_.states(options(parameter), form(parameter));
  }
  ParameterForm form(size_t parameter) const {
    const at::Tensor& tensor = parameters_[parameter].tensor;
    return {tensor.dim(), tensor.is_complex()};
  }
  /// Returns the state, all zeros, that a parameter has before its first step.
  State initial_state(size_t parameter) const;
  const OptimizerOptions& options(size_t parameter) const {
    return options_[parameter];
  }

  /// The parameters that one kernel call updates. They have the same options
  /// and dtype.
  struct Batch {
    std::vector<size_t> parameters;
  };
  /// Updates those parameters of a batch that have a gradient.
  virtual void update(const Batch& batch, double lr) = 0;
  /// Returns the tensor that a kernel updates: the parameter or its master, or
  /// a dense copy if there are gaps between that tensor's elements in memory.
  at::Tensor& target(size_t parameter);
  /// Returns a parameter's gradient; an undefined tensor if it has none. It has
  /// the dtype and memory layout of target(), because kernels visit elements in
  /// the order of memory.
  at::Tensor gradient(size_t parameter) const;
  /// Returns a tensor in the form that kernels accept: real numbers, with the
  /// two parts of a complex number side by side. Shares memory with `tensor`.
  static at::Tensor real(const at::Tensor& tensor);
  /// Returns zeros in the form of the parameter's target().
  at::Tensor zeros(size_t parameter) const;

  OptimizerConfig config_;
  std::vector<NamedParameter> parameters_;
  // One entry per parameter:
  std::vector<OptimizerOptions> options_;
  std::vector<State> states_;
  /// Undefined before a parameter's first step, or if it needs no master.
  std::vector<at::Tensor> masters_;
  std::vector<Batch> batches_;

 private:
  void add_to_batch(size_t parameter);
  /// Returns the learning rate of a batch in a step whose learning rate is
  /// `lr`.
  double lr_of(const Batch& batch, double lr) const;
  at::Tensor& master(size_t parameter);
  bool check_state_of(size_t parameter, const TensorLookup& find) const;
  void check_orthogonalize(size_t parameter, const TensorLookup& find) const;
  void load_master(size_t parameter, const TensorLookup& find);
  void load_average(size_t parameter, const TensorLookup& find);
  /// Moves the averages towards the parameters, or starts them there.
  void update_averages();
  /// Returns the values that a parameter's average follows: the master, if
  /// there is one.
  at::Tensor averaged(size_t parameter) const;
  /// Copies the results of update() from dense copies and masters to the
  /// parameters.
  void write_back(const Batch& batch);

  std::vector<at::Tensor> packed_;  ///< dense copies during an update
  /// The moving averages; undefined before the first step, or if the job keeps
  /// none.
  std::vector<at::Tensor> averages_;
  /// The parameters' own values while use_averages() replaces them.
  std::vector<at::Tensor> replaced_;
  /// Maps each parameter that shares its storage to the indices of all
  /// parameters in that storage. They are updated one after the other, in that
  /// order.
  std::map<size_t, std::vector<size_t>> sharing_memory_;
};

/// Makes the optimizer that `config` names.
///
/// parameters  the parameters of this rank, each once. A group that matches
///             none of them is not an error: its parameters may be on another
///             rank
std::unique_ptr<Optimizer> make_optimizer(
    const OptimizerConfig& config, std::vector<NamedParameter> parameters);

}  // namespace pp
