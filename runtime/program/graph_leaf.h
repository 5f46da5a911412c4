#pragma once

#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/edge.h>

namespace pp {

/// The beginning of an autograd graph: a node that receives the gradient of a
/// value but doesn't keep the value. Unlike autograd's own leaf, it keeps the
/// gradient in the layout in which the gradient arrives, and the value may be
/// written in place.
class GraphLeaf {
 public:
  GraphLeaf();

  /// Returns a tensor that shares the value's memory. The autograd graph begins
  /// at this tensor.
  at::Tensor enter(const at::Tensor& value) const;
  /// Returns the edge to give to the autograd engine to get the gradient.
  torch::autograd::Edge edge() const { return {node_, 0}; }
  /// Moves the gradient out of the leaf after a full backward; undefined if
  /// none arrived.
  at::Tensor take_gradient();

 private:
  decltype(torch::autograd::Edge::function) node_;
};

}  // namespace pp
