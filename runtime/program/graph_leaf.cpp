#include "runtime/program/graph_leaf.h"

#include <utility>

#include <torch/csrc/autograd/functions/utils.h>

#include "runtime/program/autograd_node.h"

namespace pp {

namespace {

using torch::autograd::Node;
using torch::autograd::variable_list;

class GradientCatcher final : public Node {
 public:
  variable_list apply(variable_list&& gradients) override {
    gradient = std::move(gradients.front());
    return {};
  }
  at::Tensor gradient;
};

}  // namespace

GraphLeaf::GraphLeaf() : node_(make_node<GradientCatcher>()) {}

at::Tensor GraphLeaf::enter(const at::Tensor& value) const {
  at::Tensor tensor = value.detach();
  torch::autograd::set_history(tensor, node_);
  return tensor;
}

at::Tensor GraphLeaf::take_gradient() {
  return std::exchange(
      static_cast<GradientCatcher&>(*node_).gradient, at::Tensor());
}

}  // namespace pp
