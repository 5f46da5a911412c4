#include "runtime/program/operand_gradients.h"

#include <utility>

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/variable.h>

namespace pp {

namespace {

using torch::autograd::edge_list;
using torch::autograd::Node;
using torch::autograd::variable_list;

/// Passes gradients on, with zeros in place of undefined ones. Edges in excess
/// of its inputs get nothing: they only make sure that the nodes to which they
/// lead run.
class ZerosIfUndefined final : public Node {
 public:
  variable_list apply(variable_list&& gradients) override {
    variable_list out = std::move(gradients);
    for (uint32_t i = 0; i < out.size(); ++i) {
      if (!out[i].defined()) {
        out[i] = input_metadata(i).zeros_like();
      }
    }
    out.resize(num_outputs());
    return out;
  }
};

/// Returns an alias of the tensor whose gradient goes through `node`.
at::Tensor pass_through(const at::Tensor& tensor, const NodePointer& node) {
  at::Tensor alias = tensor.detach();
  torch::autograd::set_history(alias, node);
  return alias;
}

}  // namespace

OperandGradients::OperandGradients(std::vector<c10::IValue>& operands) {
  if (!c10::GradMode::is_enabled()) {
    return;
  }
  for (c10::IValue& operand : operands) {
    if (!operand.isTensor() || !operand.toTensor().defined() ||
        !operand.toTensor().requires_grad()) {
      continue;
    }
    const at::Tensor& tensor = operand.toTensor();
    gates_.push_back(make_node<ZerosIfUndefined>());
    gates_.back()->set_next_edges(
        {torch::autograd::impl::gradient_edge(tensor)});
    operand = pass_through(tensor, gates_.back());
  }
}

void OperandGradients::join(std::vector<c10::IValue>& results) {
  if (gates_.empty()) {
    return;
  }
  const NodePointer node = make_node<ZerosIfUndefined>();
  edge_list edges;
  for (c10::IValue& result : results) {
    if (!result.isTensor() || !result.toTensor().defined() ||
        !torch::autograd::isDifferentiableType(
            result.toTensor().scalar_type())) {
      continue;
    }
    const at::Tensor tensor = result.toTensor();
    edges.push_back(
        tensor.requires_grad() ? torch::autograd::impl::gradient_edge(tensor)
                               : torch::autograd::Edge());
    result = pass_through(tensor, node);
  }
  for (const NodePointer& gate : gates_) {
    edges.emplace_back(gate, 0);
  }
  node->set_next_edges(std::move(edges));
}

}  // namespace pp
