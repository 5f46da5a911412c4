#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pp {

/// Which built-in loss: one of loss_names(). "output" is the graph's own
/// scalar, already a loss.
struct LossSpec {
  std::string name;
};

/// A loss of one microbatch. Stateless: one object serves all microbatches.
class Loss {
 public:
  virtual ~Loss() = default;

  /// How much this microbatch counts in the mean over the step: the elements
  /// that enter it (targets other than ignore_index for cross_entropy and nll,
  /// all for mse, l1 and bce_with_logits), or its rows where the loss is an
  /// output of the graph. May be 0.
  ///
  /// target    undefined for a loss that takes none
  /// num_rows  of the microbatch
  virtual double weight(const at::Tensor& target, int64_t num_rows) const = 0;

  /// Whether compute() reads its target.
  virtual bool takes_target() const { return true; }

  /// The mean over the microbatch: a scalar that carries the autograd graph;
  /// the same bits as torch.nn.functional gives for these tensors. A microbatch
  /// of weight 0 gives 0 with gradients of 0, where torch gives NaN.
  ///
  /// weight  what weight() gives for it
  /// throws  Error(Input) naming both shapes or dtypes where they do not fit,
  ///         or the class that is out of range (on the CPU; other devices
  ///         would have to be waited for)
  virtual at::Tensor compute(
      const at::Tensor& output,
      const at::Tensor& target,
      double weight) const = 0;
  /// The same, for a target on the CPU.
  at::Tensor compute(const at::Tensor& output, const at::Tensor& target) const {
    return compute(output, target, weight(target, 1));
  }
};

/// Targets with this class do not count in cross_entropy and nll.
inline constexpr int64_t kIgnoreIndex = -100;

/// "cross_entropy", "mse", "l1", "nll", "bce_with_logits", "output"
std::vector<std::string> loss_names();

/// throws  Error(Usage) for an unknown name, offering the nearest
std::unique_ptr<Loss> make_loss(const LossSpec& spec);

}  // namespace pp
