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
  /// Adds a model output. Returns a tensor that replaces `tensor` when the loss
  /// is computed.
  ///
  /// exit   the exit of the model output; its gradient belongs to this exit
  /// entry  if the output is an entry that passed through unchanged: that
  ///        entry, to which the gradient then belongs; otherwise -1
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
