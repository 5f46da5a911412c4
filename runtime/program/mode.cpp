#include "runtime/program/mode.h"

#include <algorithm>

#include "loader/ir/walk.h"

namespace pp {

namespace {

constexpr std::string_view kAttention =
    "aten.scaled_dot_product_attention.default";

ir::Arg* try_find_argument(ir::Node& node, std::string_view name) {
  const auto found = std::ranges::find(node.inputs, name, &ir::NamedArg::name);
  return found == node.inputs.end() ? nullptr : &found->arg;
}

bool is_batch_norm(const ir::Node& node) {
  return node.target.find("batch_norm") != std::string::npos;
}

/// `num_batches_tracked += 1`: adds a constant to an integer buffer in place.
bool counts_batches(const ir::Graph& graph, const ir::Node& node) {
  if (node.target != "aten.add_.Tensor" || node.effects.writes.size() != 1) {
    return false;
  }
  const ir::ValueId written = node.effects.writes.front();
  return std::ranges::any_of(graph.states, [&](const ir::State& state) {
    return state.value == written && state.fqn.ends_with("num_batches_tracked");
  });
}

/// In a functional graph the counter's new value is a result that is written
/// back: here the old one is.
void keep_counters(ir::Graph& graph) {
  for (ir::Mutation& mutation : graph.mutations) {
    if (mutation.fqn.ends_with("num_batches_tracked")) {
      const auto state =
          std::ranges::find(graph.states, mutation.fqn, &ir::State::fqn);
      mutation.value = state->value;
    }
  }
}

}  // namespace

std::vector<std::string> set_mode(ir::Graph& graph, Mode mode) {
  std::vector<std::string> lost;
  if (mode == Mode::Exported) {
    return lost;
  }
  const bool train = mode == Mode::Train;
  size_t num_attention_without_dropout = 0;
  size_t num_batch_norms_turned_on = 0;
  for (ir::Node& node : graph.nodes) {
    for (const std::string_view name : {"train", "training"}) {
      ir::Arg* flag = try_find_argument(node, name);
      if (flag == nullptr || !std::holds_alternative<bool>(flag->value)) {
        continue;
      }
      if (train && !std::get<bool>(flag->value) && is_batch_norm(node)) {
        ++num_batch_norms_turned_on;
      }
      flag->value = train;
    }
    if (node.target != kAttention) {
      continue;
    }
    ir::Arg* dropout = try_find_argument(node, "dropout_p");
    if (!train && dropout != nullptr) {
      dropout->value = 0.0;
    }
    const bool has_dropout = dropout != nullptr &&
                             std::holds_alternative<double>(dropout->value) &&
                             std::get<double>(dropout->value) > 0;
    num_attention_without_dropout += train && !has_dropout ? 1 : 0;
  }
  if (!train) {
    std::erase_if(graph.nodes, [&](const ir::Node& node) {
      return counts_batches(graph, node);
    });
    keep_counters(graph);
  }
  if (num_attention_without_dropout > 0) {
    lost.push_back(
        "dropout inside " + std::to_string(num_attention_without_dropout) +
        " attention operators stays off: the export recorded none");
  }
  if (num_batch_norms_turned_on > 0) {
    lost.push_back(
        "num_batches_tracked of " + std::to_string(num_batch_norms_turned_on) +
        " batch-norms stays as it is: the export in eval mode dropped its "
        "update");
  }
  return lost;
}

void set_autocast(ir::Graph& graph, ir::ScalarType dtype) {
  for (ir::Node& node : graph.nodes) {
    if (!node.autocast) {
      node.autocast = ir::Autocast{.device_type = "cpu", .dtype = dtype};
    }
  }
}

}  // namespace pp
