#pragma once

#include <memory>

#include <ATen/core/Tensor.h>

namespace pp {

/// Which part of a backward to run.
enum class Half {
  Both,
  Inputs,   ///< the gradients of the program's inputs alone
  Weights,  ///< then, any time later, those of the parameters
};

/// The backward of one run of a program.
class BackwardPass {
 public:
  virtual ~BackwardPass() = default;

  /// Adds to the gradient of one of the program's outputs.
  virtual void seed(size_t output, at::Tensor gradient) = 0;
  /// Parameters' gradients are added to what their grad() holds. Both, or
  /// Inputs and then Weights, once.
  ///
  /// throws  Error(Runtime) naming operator, node and module
  virtual void backward(Half half) = 0;
  /// Of one of the program's inputs, after a backward; undefined where none
  /// arrived. Taken out.
  virtual at::Tensor take_gradient(size_t input) = 0;
};

/// What a recorded run of a program keeps for its backward. Calls go back in
/// the reverse order of the program, the gradients of a value with several
/// readers are added up in that order, and what a call kept is freed once it
/// is through.
///
/// Calls whose operators have a rule (runtime/autodiff/) need no autograd
/// graph. The others, run by run, have one of their own, that the engine walks.
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
  /// Stretches that autograd differentiates, or that will run again.
  size_t num_islands() const;

 private:
  std::unique_ptr<Recording> recording_;
};

}  // namespace pp
