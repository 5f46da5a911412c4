#pragma once

#include <memory>

#include <ATen/core/Tensor.h>

namespace pp {

/// Which part of a backward to run.
enum class Half {
  Both,
  Inputs,   ///< only the gradients of the program's inputs
  Weights,  ///< only the gradients of parameters; run after Inputs
};

/// The backward of one run of a program.
class BackwardPass {
 public:
  virtual ~BackwardPass() = default;

  /// Adds `gradient` to the gradient of one of the program's outputs. Call it
  /// before backward().
  virtual void seed(size_t output, at::Tensor gradient) = 0;
  /// Runs the backward or a half of it. Gradients of parameters are added to
  /// their grad(). Call it once with Both, or with Inputs and then Weights.
  ///
  /// throws  Error(Runtime) naming operator, node and module: an operator
  ///         failed
  virtual void backward(Half half) = 0;
  /// Moves the gradient of one of the program's inputs out of the pass, after
  /// backward(); undefined if none arrived.
  virtual at::Tensor take_gradient(size_t input) = 0;
};

/// Everything that a recorded run keeps for its backward. The backward visits
/// the calls in reverse order, sums the gradients of a value with several
/// readers in that order and, after each call, frees what that call had kept.
///
/// Calls whose operators have a rule (runtime/program/rules/) need no autograd
/// graph. Each range of other calls has an autograd graph of its own, which
/// autograd's engine runs.
class Tape final : public BackwardPass {
 public:
  struct Recording;  ///< internal

  explicit Tape(std::unique_ptr<Recording> recording);
  ~Tape() override;
  Tape(Tape&&) noexcept;
  Tape& operator=(Tape&&) noexcept;

  void seed(size_t output, at::Tensor gradient) override;
  void backward(Half half) override;
  at::Tensor take_gradient(size_t input) override;
  /// Returns the number of ranges of calls that are left to autograd or that
  /// are recomputed in the backward.
  size_t num_islands() const;

 private:
  std::unique_ptr<Recording> recording_;
};

}  // namespace pp
