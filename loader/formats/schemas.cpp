#include "loader/formats/schemas.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/enum_tag.h>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/formats/schemas_table.h"
#include "loader/ir/walk.h"

namespace pp {

namespace {

using ir::Arg;
using ir::Effects;
using ir::Graph;
using ir::Node;
using ir::ValueId;

/// "aten.add.Tensor" -> aten::add, Tensor; the overload "default" is "".
std::optional<c10::OperatorName> operator_name(const std::string& target) {
  const size_t first = target.find('.');
  const size_t last = target.rfind('.');
  if (first == std::string::npos || first == last) {
    return std::nullopt;
  }
  const std::string overload = target.substr(last + 1);
  return c10::OperatorName(
      target.substr(0, first) +
          "::" + target.substr(first + 1, last - first - 1),
      overload == "default" ? "" : overload);
}

void collect_sets(const c10::AliasInfo& info, std::set<std::string>& names) {
  for (const c10::Symbol& set : info.beforeSets()) {
    names.insert(set.toUnqualString());
  }
  for (const c10::AliasInfo& inner : info.containedTypes()) {
    collect_sets(inner, names);
  }
}

/// Names of the alias sets of an argument or a return, lists included.
std::set<std::string> alias_sets(const c10::Argument& argument) {
  std::set<std::string> names;
  if (argument.alias_info() != nullptr) {
    collect_sets(*argument.alias_info(), names);
  }
  return names;
}

bool is_written(const c10::AliasInfo& info) {
  return info.isWrite() ||
         std::ranges::any_of(info.containedTypes(), is_written);
}

std::vector<ValueId> tensors_in(const Graph& graph, const Arg& arg) {
  std::vector<ValueId> out;
  ir::for_each_ref(arg, [&](ValueId id) {
    if (graph.values[static_cast<size_t>(id)].type.kind ==
        ir::TypeKind::Tensor) {
      out.push_back(id);
    }
  });
  return out;
}

void add_aliases(
    Effects& effects,
    const std::vector<ValueId>& results,
    const std::vector<ValueId>& arguments) {
  for (const ValueId result : results) {
    for (const ValueId argument : arguments) {
      const std::pair pair{result, argument};
      if (std::ranges::find(effects.aliases, pair) == effects.aliases.end()) {
        effects.aliases.push_back(pair);
      }
    }
  }
}

class Annotator {
 public:
  Annotator(Graph& graph, const std::string& where)
      : graph_(graph), where_(where) {}

  /// Whether anything in the graph draws random numbers.
  bool run() {
    bool random = false;
    for (Node& node : graph_.nodes) {
      node.effects = {};
      annotate(node);
      random = random || node.effects.random;
    }
    return random;
  }

 private:
  [[noreturn]] void refuse(const Node& node, const std::string& called) const {
    const std::string name = node.name.empty() ? node.target : node.name;
    throw input_error(
        where_ + ": node '" + name + "' calls '" + called +
        "', which is not registered in this LibTorch");
  }

  void annotate(Node& node) {
    if (is_control_flow(node.target)) {
      for (ir::NamedArg& input : node.inputs) {
        annotate_sub_graphs(node, input.arg);
      }
      if (node.target.starts_with("prim::")) {
        annotate_blocks(node);
      }
      return;
    }
    if (const Builtin* builtin = try_find_builtin(node.target)) {
      if (builtin->aliases) {
        add_aliases(node.effects, tensor_results(node), tensor_arguments(node));
      }
      return;
    }
    const auto name = operator_name(node.target);
    if (!name) {
      refuse(node, node.target);
    }
    const auto handle = c10::Dispatcher::singleton().findSchema(*name);
    if (!handle) {
      refuse(
          node,
          name->overload_name.empty() ? name->name
                                      : name->name + "." + name->overload_name);
    }
    node.effects.random = handle->hasTag(at::Tag::nondeterministic_seeded);
    annotate_by_schema(node, handle->schema());
    annotate_unsaid(node, name->name);
  }

  void annotate_sub_graphs(Node& node, Arg& arg) {
    if (auto* list = std::get_if<ir::List>(&arg.value)) {
      for (Arg& item : list->items) {
        annotate_sub_graphs(node, item);
      }
    } else if (auto* sub = std::get_if<ir::SubGraph>(&arg.value)) {
      auto copy = std::make_shared<Graph>(*sub->graph);
      const bool random = Annotator(*copy, where_).run();
      node.effects.random = node.effects.random || random;
      sub->graph = std::move(copy);
    }
  }

  /// What TorchScript's blocks do to their operands: they may write to them,
  /// and give them back.
  void annotate_blocks(Node& node) const {
    for (const ir::NamedArg& input : node.inputs) {
      if (const auto* sub = std::get_if<ir::SubGraph>(&input.arg.value)) {
        annotate_block(node, *sub->graph);
      }
    }
  }

  void annotate_block(Node& node, const Graph& block) const {
    // A loop's body takes the number of the turn first and gives its condition
    // first; both have no memory to share.
    const bool loop = node.target == "prim::Loop";
    const size_t shift = loop ? 1 : 0;
    std::vector<const Arg*> operands;
    for (size_t i = loop ? 2 : 1; i < node.inputs.size(); ++i) {
      if (!std::holds_alternative<ir::SubGraph>(node.inputs[i].arg.value)) {
        operands.push_back(&node.inputs[i].arg);
      }
    }
    const auto behind = inputs_behind(block);
    const auto operands_of = [&](ValueId inner) {
      std::vector<ValueId> out;
      for (const size_t position : behind[static_cast<size_t>(inner)]) {
        if (position >= shift) {
          std::ranges::copy(
              tensors_in(graph_, *operands.at(position - shift)),
              std::back_inserter(out));
        }
      }
      return out;
    };
    for (const Node& inner : block.nodes) {
      for (const ValueId id : inner.effects.writes) {
        for (const ValueId operand : operands_of(id)) {
          auto& writes = node.effects.writes;
          if (std::ranges::find(writes, operand) == writes.end()) {
            writes.push_back(operand);
          }
        }
      }
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const Arg& given = block.outputs.at(i + shift).value;
      for (const ValueId id : tensors_in(block, given)) {
        add_aliases(node.effects, results(node.outputs[i]), operands_of(id));
      }
      if (loop && i < operands.size()) {  // no turn at all
        add_aliases(
            node.effects,
            results(node.outputs[i]),
            tensors_in(graph_, *operands[i]));
      }
    }
  }

  /// By value: the inputs of the block whose memory it may share.
  static std::vector<std::set<size_t>> inputs_behind(const Graph& block) {
    std::vector<std::set<size_t>> out(block.values.size());
    for (size_t i = 0; i < block.inputs.size(); ++i) {
      out[static_cast<size_t>(block.inputs[i].value)].insert(i);
    }
    for (const Node& node : block.nodes) {
      for (const auto& [result, argument] : node.effects.aliases) {
        const auto& more = out[static_cast<size_t>(argument)];
        out[static_cast<size_t>(result)].insert(more.begin(), more.end());
      }
    }
    return out;
  }

  void annotate_by_schema(Node& node, const c10::FunctionSchema& schema) {
    for (size_t i = 0; i < schema.arguments().size(); ++i) {
      const c10::Argument& argument = schema.arguments()[i];
      const Arg* given = try_argument(node, i, argument.name());
      if (given == nullptr || argument.alias_info() == nullptr) {
        continue;
      }
      const auto tensors = tensors_in(graph_, *given);
      if (is_written(*argument.alias_info())) {
        std::ranges::copy(tensors, std::back_inserter(node.effects.writes));
      }
      const auto sets = alias_sets(argument);
      const size_t num_returns =
          std::min(schema.returns().size(), node.outputs.size());
      for (size_t r = 0; r < num_returns; ++r) {
        const auto others = alias_sets(schema.returns()[r]);
        const bool shared = std::ranges::any_of(
            sets, [&](const auto& set) { return others.count(set) > 0; });
        if (shared) {
          add_aliases(node.effects, results(node.outputs[r]), tensors);
        }
      }
    }
  }

  /// What an operator does although its schema keeps quiet about it.
  void annotate_unsaid(Node& node, const std::string& name) {
    if (may_return_its_input(name)) {
      add_aliases(node.effects, tensor_results(node), tensor_arguments(node));
    }
    const auto statistics = written_statistics(name);
    if (!statistics || !is_true(node, statistics->flag)) {
      return;
    }
    for (const std::string_view argument : statistics->arguments) {
      const Arg* given = try_argument(node, node.inputs.size(), argument);
      if (given != nullptr) {
        std::ranges::copy(
            tensors_in(graph_, *given),
            std::back_inserter(node.effects.writes));
      }
    }
  }

  static const Arg* try_argument(
      const Node& node, size_t position, std::string_view name) {
    const auto found =
        std::ranges::find(node.inputs, name, &ir::NamedArg::name);
    if (found != node.inputs.end()) {
      return &found->arg;
    }
    const bool positional = position < node.inputs.size() &&
                            node.inputs[position].name.empty() &&
                            !node.inputs[position].keyword;
    return positional ? &node.inputs[position].arg : nullptr;
  }

  /// True too where the flag is computed at run time.
  static bool is_true(const Node& node, std::string_view flag) {
    const Arg* given = try_argument(node, node.inputs.size(), flag);
    const bool* constant =
        given == nullptr ? nullptr : std::get_if<bool>(&given->value);
    return constant == nullptr || *constant;
  }

  std::vector<ValueId> results(const ir::NodeOutput& output) const {
    std::vector<ValueId> out;
    std::ranges::copy_if(output.ids, std::back_inserter(out), [&](ValueId id) {
      return id != ir::kNoValue &&
             graph_.values[static_cast<size_t>(id)].type.kind ==
                 ir::TypeKind::Tensor;
    });
    return out;
  }

  std::vector<ValueId> tensor_results(const Node& node) const {
    std::vector<ValueId> out;
    for (const ir::NodeOutput& output : node.outputs) {
      std::ranges::copy(results(output), std::back_inserter(out));
    }
    return out;
  }

  std::vector<ValueId> tensor_arguments(const Node& node) const {
    std::vector<ValueId> out;
    for (const ir::NamedArg& input : node.inputs) {
      std::ranges::copy(tensors_in(graph_, input.arg), std::back_inserter(out));
    }
    return out;
  }

  Graph& graph_;
  const std::string& where_;
};

}  // namespace

void annotate_effects(ir::Graph& graph, std::string_view where) {
  const std::string place(where);
  Annotator(graph, place).run();
}

}  // namespace pp
