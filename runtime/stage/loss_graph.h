#pragma once

#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/function.h>

#include "runtime/program/graph_leaf.h"

namespace pp {

/// The loss of one microbatch, with its own autograd graph that begins at the
/// model outputs from which the loss is computed.
class LossGraph {
 public:
  /// Returns the tensor for the loss to use, and remembers where its gradient
  /// goes: to the program's output `exit`, or to the entry that passed through.
  ///
  /// entry  the entry that passed through; -1: an output of the program
  at::Tensor add_output(int exit, int entry, const at::Tensor& tensor);
  void set_loss(at::Tensor loss) { loss_ = std::move(loss); }

  /// Whether anything that the loss depends on can be trained.
  bool requires_grad() const {
    return loss_.defined() && loss_.requires_grad();
  }

  struct Gradient {
    int exit;
    int entry;
    at::Tensor gradient;  ///< undefined: none arrived
  };
  /// Runs the backward of the loss, once. Returns the gradients of what was
  /// added, in that order.
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
