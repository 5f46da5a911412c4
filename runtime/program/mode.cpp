#include "runtime/program/mode.h"

#include <algorithm>
#include <memory>

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

bool is_counter(const std::string& fqn) {
  return fqn.ends_with("num_batches_tracked");
}

/// For each value, whether it is batch-norm's counter of batches.
using Counters = std::vector<bool>;

/// Whether the node is `num_batches_tracked += 1`.
bool counts_batches(const ir::Node& node, const Counters& counters) {
  return node.target == "aten.add_.Tensor" && node.effects.writes.size() == 1 &&
         counters[static_cast<size_t>(node.effects.writes.front())];
}

Counters counters_of(const ir::Graph& graph) {
  Counters out(graph.values.size(), false);
  for (const ir::State& state : graph.states) {
    out[static_cast<size_t>(state.value)] = is_counter(state.fqn);
  }
  return out;
}

/// Finds the counters among a block's inputs. These are the last operands of
/// its node, where each item of a list counts as an operand.
///
/// around  counters of the graph that the node is in
Counters counters_in_block(
    const ir::Graph& block, const ir::Node& node, const Counters& around) {
  Counters operands;
  const auto add = [&](const ir::Arg& arg) {
    const auto* ref = std::get_if<ir::Ref>(&arg.value);
    operands.push_back(ref != nullptr && around[static_cast<size_t>(ref->id)]);
  };
  for (const ir::NamedArg& input : node.inputs) {
    if (const auto* list = std::get_if<ir::List>(&input.arg.value)) {
      std::ranges::for_each(list->items, add);
    } else if (!std::holds_alternative<ir::SubGraph>(input.arg.value)) {
      add(input.arg);
    }
  }
  Counters out(block.values.size(), false);
  const size_t common = std::min(operands.size(), block.inputs.size());
  for (size_t i = 1; i <= common; ++i) {
    const ir::Input& input = block.inputs[block.inputs.size() - i];
    out[static_cast<size_t>(input.value)] = operands[operands.size() - i];
  }
  return out;
}

/// A functional graph writes the counter's new value back. This function makes
/// the graph write back the old value instead.
void keep_counters(ir::Graph& graph) {
  for (ir::Mutation& mutation : graph.mutations) {
    if (is_counter(mutation.fqn)) {
      const auto state =
          std::ranges::find(graph.states, mutation.fqn, &ir::State::fqn);
      mutation.value = state->value;
    }
  }
}

/// Sets the flags of a graph and of the blocks in it. Counts what Train can't
/// restore.
class ModeSetter {
 public:
  explicit ModeSetter(bool train) : train_(train) {}

  void set(ir::Graph& graph, const Counters& counters) {
    for (ir::Node& node : graph.nodes) {
      set_flags(node);
      set_attention(node);
      for (ir::NamedArg& input : node.inputs) {
        if (auto* sub = std::get_if<ir::SubGraph>(&input.arg.value)) {
          auto block = std::make_shared<ir::Graph>(*sub->graph);
          set(*block, counters_in_block(*block, node, counters));
          sub->graph = std::move(block);
        }
      }
    }
    if (!train_) {
      std::erase_if(graph.nodes, [&](const ir::Node& node) {
        return counts_batches(node, counters);
      });
    }
  }

  std::vector<std::string> lost() const {
    std::vector<std::string> lost;
    if (num_attention_without_dropout_ > 0) {
      lost.push_back(
          "dropout inside " + std::to_string(num_attention_without_dropout_) +
          " attention operators stays off: the export recorded none");
    }
    if (num_batch_norms_turned_on_ > 0) {
      lost.push_back(
          "num_batches_tracked of " +
          std::to_string(num_batch_norms_turned_on_) +
          " batch-norms isn't updated: the model was exported in eval mode, "
          "which leaves the update out");
    }
    return lost;
  }

 private:
  void set_flags(ir::Node& node) {
    for (const std::string_view name : {"train", "training"}) {
      ir::Arg* flag = try_find_argument(node, name);
      if (flag == nullptr || !std::holds_alternative<bool>(flag->value)) {
        continue;
      }
      if (train_ && !std::get<bool>(flag->value) && is_batch_norm(node)) {
        ++num_batch_norms_turned_on_;
      }
      flag->value = train_;
    }
  }

  void set_attention(ir::Node& node) {
    if (node.target != kAttention) {
      return;
    }
    ir::Arg* dropout = try_find_argument(node, "dropout_p");
    if (!train_ && dropout != nullptr) {
      dropout->value = 0.0;
    }
    const bool has_dropout = dropout != nullptr &&
                             std::holds_alternative<double>(dropout->value) &&
                             std::get<double>(dropout->value) > 0;
    num_attention_without_dropout_ += train_ && !has_dropout ? 1 : 0;
  }

  bool train_;
  size_t num_attention_without_dropout_ = 0;
  size_t num_batch_norms_turned_on_ = 0;
};

}  // namespace

std::vector<std::string> set_mode(ir::Graph& graph, Mode mode) {
  if (mode == Mode::Exported) {
    return {};
  }
  ModeSetter setter(mode == Mode::Train);
  setter.set(graph, counters_of(graph));
  if (mode == Mode::Eval) {
    keep_counters(graph);
  }
  return setter.lost();
}

void set_autocast(ir::Graph& graph, ir::ScalarType dtype) {
  for (ir::Node& node : graph.nodes) {
    if (!node.autocast) {
      node.autocast = ir::Autocast{.device_type = "cpu", .dtype = dtype};
    }
  }
}

}  // namespace pp
