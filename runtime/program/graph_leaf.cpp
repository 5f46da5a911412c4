#include "runtime/program/graph_leaf.h"

#include <memory>
#include <type_traits>
#include <utility>

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

namespace pp {

namespace {

using torch::autograd::Node;
using torch::autograd::variable_list;

class Catch final : public Node {
 public:
  variable_list apply(variable_list&& gradients) override {
    gradient = std::move(gradients.front());
    return {};
  }
  at::Tensor gradient;
};

/// LibTorch counts its nodes' references one way or the other, by version.
template <typename Pointer, typename Made>
Pointer make_node() {
  if constexpr (std::is_same_v<Pointer, std::shared_ptr<Node>>) {
    return std::make_shared<Made>();
  } else {
    return c10::make_intrusive<Made>();
  }
}

}  // namespace

GraphLeaf::GraphLeaf() : node_(make_node<decltype(node_), Catch>()) {}

at::Tensor GraphLeaf::enter(const at::Tensor& value) const {
  at::Tensor tensor = value.detach();
  torch::autograd::set_history(tensor, node_);
  return tensor;
}

at::Tensor GraphLeaf::take_gradient() {
  return std::exchange(static_cast<Catch&>(*node_).gradient, at::Tensor());
}

}  // namespace pp
