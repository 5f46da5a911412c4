#pragma once

#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/function.h>

#include "runtime/program/graph_leaf.h"

namespace pp {

/// The loss of one microbatch, with an autograd graph of its own that begins at
/// the model outputs from which the loss is computed.
class LossGraph {
 public:
  /// Adds a model output. Returns the tensor from which to compute the loss in
  /// place of `tensor`.
  ///
  /// exit   the exit of the model output, which its gradient belongs to
  /// entry  the entry that passed through unchanged, which the gradient belongs
  ///        to instead; -1: the output is computed by the program
  at::Tensor add_output(int exit, int entry, const at::Tensor& tensor);
  void set_loss(at::Tensor loss) { loss_ = std::move(loss); }

  /// Whether anything that the loss depends on can be trained.
  bool requires_grad() const {
    return loss_.defined() && loss_.requires_grad();
  }

  struct Gradient {
    int exit;
    int entry;
    at::Tensor gradient;  ///< undefined if none arrived
  };
  /// Runs the backward of the loss. Call it once. Returns the gradients of the
  /// outputs, in the order in which they were added.
  std::vector<Gradient> backward();

 private:
  struct Leaf {
    int exit;
    int entry;
    GraphLeaf graph;
  };
  at::Tensor loss_;
  std::vector<Leaf> leaves_;
};

}  // namespace pp
