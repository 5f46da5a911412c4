#pragma once

#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/edge.h>

namespace pp {

/// Where a graph of autograd begins: a node that catches the gradient of a
/// value, and does not keep the value. Unlike a leaf of autograd it takes the
/// gradient as it comes, in whatever layout, and the value may be written in
/// place.
class GraphLeaf {
 public:
  GraphLeaf();

  /// The value in the same memory, for the graph to start from.
  at::Tensor enter(const at::Tensor& value) const;
  /// To ask the engine for the gradient that arrives.
  torch::autograd::Edge edge() const { return {node_, 0}; }
  /// What a full backward left; undefined where nothing arrived.
  at::Tensor take_gradient();

 private:
  decltype(torch::autograd::Edge::function) node_;
};

}  // namespace pp
