#include "loader/torchscript/lower/assigned_buffers.h"

#include <algorithm>

#include "loader/core/error.h"

namespace pp::ts {

namespace {

const ir::State& state_of(const Lowering& lowering, GraphValue value) {
  const auto& states = lowering.graph.states;
  const auto found = std::ranges::find(states, value.id, &ir::State::value);
  check(found != states.end(), "the value is a state");
  return *found;
}

bool have_equal_sizes(const ir::TensorMeta& a, const ir::TensorMeta& b) {
  return std::ranges::equal(
      a.sizes, b.sizes, [](const ir::Dim& left, const ir::Dim& right) {
        return left.value == right.value;
      });
}

}  // namespace

std::string why_not_assignable(
    const ir::TensorMeta& buffer, const ir::TensorMeta& tensor) {
  if (!tensor.known) {
    return "the tensor's element type and sizes are unknown";
  }
  if (tensor.dtype != buffer.dtype) {
    return "the tensor has another element type";
  }
  return have_equal_sizes(buffer, tensor) ? "" : "the tensor has other sizes";
}

void assign_buffer(
    const NodeCall& call,
    const std::string& name,
    GraphValue state,
    GraphValue tensor) {
  Lowering& lowering = call.lowering;
  const ir::State& buffer = state_of(lowering, state);
  const auto refuse_because = [&](const std::string& reason) {
    refuse(
        call,
        "the model assigns a new tensor to its attribute '" + name +
            "' while it runs, but " + reason);
  };
  if (buffer.kind != ir::StateKind::Buffer) {
    refuse_because("only buffers can be assigned to");
  }
  if (!buffer.aliases.empty()) {
    refuse_because(
        "'" + buffer.aliases.front() + "' holds the same tensor as '" +
        buffer.fqn + "'");
  }
  if (lowering.block_depth() > 0) {
    refuse_because("does so in a branch or loop; write it in place instead");
  }
  const ir::TensorMeta& meta = *lowering.value(tensor.id).tensor;
  const std::string reason =
      why_not_assignable(*lowering.value(state.id).tensor, meta);
  if (!reason.empty() && (meta.known || !lowering.has_graph)) {
    refuse_because(reason);
  }
  if (tensor.id == state.id) {  // the buffer's own tensor again
    lowering.assigned_buffers.erase(state.id);
  } else {
    lowering.assigned_buffers.insert_or_assign(state.id, tensor);
  }
}

void add_mutations(Lowering& lowering) {
  for (const ir::State& state : lowering.graph.states) {
    const auto found = lowering.assigned_buffers.find(state.value);
    if (found != lowering.assigned_buffers.end()) {
      lowering.graph.mutations.push_back({state.fqn, found->second.id});
    }
  }
}

}  // namespace pp::ts
