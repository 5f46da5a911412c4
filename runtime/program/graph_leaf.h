#pragma once

#include <ATen/core/Tensor.h>

namespace pp {

/// Where a graph of autograd begins. It takes the gradient of a value, but once
/// the graph is there, does not keep the value: what the graph does not save
/// can be freed.
class GraphLeaf {
 public:
  explicit GraphLeaf(const at::Tensor& value);

  /// The value, for the graph to start from.
  at::Tensor enter() const;
  /// After the graph was made.
  void let_go();
  /// For the engine.
  const at::Tensor& tensor() const { return leaf_; }
  /// What a backward left; undefined where nothing arrived.
  at::Tensor take_gradient();

 private:
  at::Tensor leaf_;
};

}  // namespace pp
