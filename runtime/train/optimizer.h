#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pp {

/// What a job file may give for an option.
using OptionValue = std::variant<double, bool, std::vector<double>>;
using OptionMap = std::map<std::string, OptionValue>;

/// Other options for the parameters whose FQN matches a pattern with `*` and
/// `?`; the first matching group holds.
struct OptimizerGroup {
  std::string match;
  OptionMap options;
};

/// The job file's `optimizer` and `groups`.
struct OptimizerSpec {
  std::string name;   ///< one of optimizer_names()
  OptionMap options;  ///< by torch's names; defaults are torch's
  std::vector<OptimizerGroup> groups;
};

/// Options of one parameter; each optimizer reads its own.
struct OptimizerOptions {
  double lr = 1e-3;
  double weight_decay = 0;  ///< adamw: 0.01
  double momentum = 0;      ///< sgd
  double dampening = 0;     ///< sgd
  bool nesterov = false;    ///< sgd
  double beta1 = 0.9;       ///< adam, adamw: `betas`
  double beta2 = 0.999;
  double eps = 1e-8;     ///< adam, adamw
  bool amsgrad = false;  ///< adam, adamw

  bool operator==(const OptimizerOptions&) const = default;
};

struct NamedParameter {
  std::string fqn;
  at::Tensor tensor;  ///< a leaf that requires grad
};

/// Finds a saved tensor by name; undefined where there is none.
using TensorLookup = std::function<at::Tensor(const std::string& name)>;

/// Updates parameters from their `.grad`, by LibTorch's fused kernels: the bits
/// of `torch.optim.X(fused=True)`. A parameter without a gradient is left as it
/// is. Parameters of half precision (bfloat16, float16) are updated as a
/// float32 copy of theirs, the master, with float32 state: an update smaller
/// than their own rounding is not lost. Not thread safe; each rank has its own.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// One update.
  ///
  /// lr  of this step. A group with an `lr` of its own takes it in proportion:
  ///     group lr x (lr / the job's lr).
  void step(double lr);

  /// The next backward starts from nothing.
  ///
  /// in_place  gradients that are there become zeros where they are; else there
  ///           are none
  void zero_grad(bool in_place = false);

  /// Everything to save: "optimizer.exp_avg.<fqn>" and the like, and the
  /// masters as "optimizer.master.<fqn>". The tensors
  /// are the live ones, not copies. Before the first step there is none.
  std::map<std::string, at::Tensor> state() const;

  /// Takes over saved state, copying it.
  ///
  /// may_be_new  whether there may have been no update yet
  /// throws      Error(Input) naming what is missing or does not fit; also if
  ///             there is no state at all although this optimizer keeps some,
  ///             unless it may be new
  void load_state(const TensorLookup& find, bool may_be_new = false);

  /// The job's `lr` (torch's default where it names none).
  double base_lr() const { return base_lr_; }
  /// Bytes of state for all parameters, from the first step on.
  uint64_t state_bytes() const;
  std::span<const NamedParameter> parameters() const { return parameters_; }

 protected:
  Optimizer(
      std::vector<NamedParameter> parameters,
      std::vector<OptimizerOptions> options,
      double base_lr);

  virtual void update(double lr) = 0;

  /// One parameter's state tensors in the order of kinds(); empty before the
  /// first step it has a gradient in.
  using State = std::vector<at::Tensor>;
  /// What is kept for a parameter: "exp_avg" and the like.
  virtual std::vector<std::string> kinds(size_t parameter) const = 0;
  /// State as it is before the first step, zeroed, in the order of kinds().
  virtual State initial_state(size_t parameter) const = 0;

  /// Parameters that one kernel call updates: same options and dtype.
  struct Batch {
    std::vector<size_t> parameters;
  };
  /// The learning rate of a batch in a step whose lr is `lr`.
  double lr_of(const Batch& batch, double lr) const;
  /// What a kernel updates: the parameter, or its master.
  at::Tensor& target(size_t parameter);
  /// A parameter's gradient in dtype and memory layout of its target (the
  /// kernels walk memory, not indices); undefined if it has none.
  at::Tensor gradient(size_t parameter) const;
  /// Like the target.
  at::Tensor zeros(size_t parameter) const;

  void load_master(size_t parameter, const TensorLookup& find);

  std::vector<NamedParameter> parameters_;
  std::vector<OptimizerOptions> options_;  ///< one a parameter
  std::vector<State> states_;              ///< one a parameter
  std::vector<at::Tensor> masters_;  ///< one a parameter; undefined: none yet
  std::vector<Batch> batches_;
  double base_lr_;
};

/// "sgd", "adam", "adamw"
std::vector<std::string> optimizer_names();

/// The options of every parameter after groups; checks names, types and ranges.
///
/// throws  Error(Usage): unknown optimizer or option (the nearest offered), a
///         value out of range. A group that matches none of `fqns` is not an
///         error: the parameter may be on another rank.
std::vector<OptimizerOptions> resolve_options(
    const OptimizerSpec& spec, std::span<const std::string> fqns);

/// parameters  this rank's, each once
/// throws      as resolve_options
std::unique_ptr<Optimizer> make_optimizer(
    const OptimizerSpec& spec, std::vector<NamedParameter> parameters);

}  // namespace pp
