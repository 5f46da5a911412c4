#include "runtime/stage/loss_graph.h"

#include <ATen/ops/ones_like.h>
#include <torch/csrc/autograd/variable.h>

#include "runtime/program/split_backward.h"

namespace pp {

at::Tensor LossGraph::add_output(
    int exit, int entry, const at::Tensor& tensor) {
  leaves_.push_back({exit, entry, {}});
  return leaves_.back().graph.enter(tensor);
}

std::vector<LossGraph::Gradient> LossGraph::backward() {
  run_backward(
      {{torch::autograd::impl::gradient_edge(loss_),
        at::ones_like(loss_.detach())}});
  std::vector<Gradient> gradients;
  for (Leaf& leaf : leaves_) {
    gradients.push_back({leaf.exit, leaf.entry, leaf.graph.take_gradient()});
  }
  return gradients;
}

}  // namespace pp
