#include "loader/effects/effects.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "loader/core/error.h"
#include "loader/effects/operand_checks.h"
#include "loader/effects/operator_table.h"
#include "loader/ir/walk.h"

namespace pp {

namespace {

using ir::Arg;
using ir::Effects;
using ir::Graph;
using ir::Node;
using ir::ValueId;

/// Says how to remove an unregistered operator. torch.func.vmap and
/// associative_scan leave calls into Python's functorch in an exported program;
/// decomposing the program removes these calls.
std::string advice(const std::string& called) {
  return called.find("_functorch.") == std::string::npos
             ? ""
             : "; export again with ep.run_decompositions({}) before saving";
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

void add_writes(Effects& effects, const std::vector<ValueId>& values) {
  for (const ValueId value : values) {
    if (std::ranges::find(effects.writes, value) == effects.writes.end()) {
      effects.writes.push_back(value);
    }
  }
}

class Annotator {
 public:
  Annotator(
      Graph& graph, const OperatorSchemas& schemas, std::string_view where)
      : graph_(graph), schemas_(schemas), where_(where) {}

  /// Returns whether anything in the graph draws random numbers.
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
        std::string(where_) + ": node '" + name + "' calls '" + called +
        "', which is not registered in this LibTorch" + advice(called));
  }

  void annotate(Node& node) {
    if (is_control_flow(node.target)) {
      check_control_flow(node, where_);
      for (ir::NamedArg& input : node.inputs) {
        annotate_sub_graphs(node, input.arg);
      }
      if (node.target.starts_with("prim::")) {
        annotate_blocks(node);
      }
      return;
    }
    if (const Builtin* builtin = try_find_builtin(node.target)) {
      check_builtin(node, *builtin, where_);
      if (builtin->aliases) {
        add_aliases(node.effects, tensor_results(node), tensor_arguments(node));
      }
      return;
    }
    const ir::OperatorParts op = ir::operator_parts(node.target);
    if (op.library.empty() || op.overload.empty()) {
      refuse(node, node.target);
    }
    const auto schema = schemas_.try_find(op);
    if (!schema) {
      refuse(node, op.schema_name());
    }
    check_results(node, *schema, where_);
    node.effects.random = schema->random;
    annotate_by_schema(node, *schema);
    annotate_beyond_schema(node, op.qualified_name());
  }

  void annotate_sub_graphs(Node& node, Arg& arg) {
    if (auto* list = std::get_if<ir::List>(&arg.value)) {
      for (Arg& item : list->items) {
        annotate_sub_graphs(node, item);
      }
    } else if (auto* sub = std::get_if<ir::SubGraph>(&arg.value)) {
      auto copy = std::make_shared<Graph>(*sub->graph);
      const bool random = Annotator(*copy, schemas_, where_).run();
      node.effects.random = node.effects.random || random;
      sub->graph = std::move(copy);
    }
  }

  /// Adds the effects that a TorchScript node's blocks have on its operands: a
  /// block may write to an operand, and may return it.
  void annotate_blocks(Node& node) const {
    for (const ir::NamedArg& input : node.inputs) {
      if (const auto* sub = std::get_if<ir::SubGraph>(&input.arg.value)) {
        annotate_block(node, *sub->graph);
      }
    }
  }

  void annotate_block(Node& node, const Graph& block) const {
    // The first input of a loop's body is the iteration's number and its first
    // output is the loop's condition; neither has memory to share.
    const bool loop = node.target == "prim::Loop";
    const size_t shift = loop ? 1 : 0;
    std::vector<const Arg*> operands;
    for (size_t i = loop ? 2 : 1; i < node.inputs.size(); ++i) {
      if (!std::holds_alternative<ir::SubGraph>(node.inputs[i].arg.value)) {
        operands.push_back(&node.inputs[i].arg);
      }
    }
    auto shared_inputs = inputs_sharing_memory(block);
    if (loop) {
      share_across_iterations(block, shared_inputs);
    }
    const auto operands_of = [&](ValueId inner) {
      std::vector<ValueId> out;
      for (const size_t position : shared_inputs[static_cast<size_t>(inner)]) {
        if (position >= shift && position - shift < operands.size()) {
          std::ranges::copy(
              tensors_in(graph_, *operands[position - shift]),
              std::back_inserter(out));
        }
      }
      return out;
    };
    for (const Node& inner : block.nodes) {
      for (const ValueId id : inner.effects.writes) {
        add_writes(node.effects, operands_of(id));
      }
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const Arg& given = block.outputs[i + shift].value;
      for (const ValueId id : tensors_in(block, given)) {
        add_aliases(node.effects, results(node.outputs[i]), operands_of(id));
      }
      // A loop that runs no iteration returns its operands.
      if (loop && i < operands.size()) {
        add_aliases(
            node.effects,
            results(node.outputs[i]),
            tensors_in(graph_, *operands[i]));
      }
    }
  }

  /// For each value of a block: the positions of the block's inputs whose
  /// memory it may share.
  static std::vector<std::set<size_t>> inputs_sharing_memory(
      const Graph& block) {
    std::vector<std::set<size_t>> out(block.values.size());
    for (size_t i = 0; i < block.inputs.size(); ++i) {
      out[static_cast<size_t>(block.inputs[i].value)].insert(i);
    }
    pass_on(block, out);
    return out;
  }

  /// A result shares memory with every input that the argument it aliases may
  /// share memory with.
  static void pass_on(const Graph& block, std::vector<std::set<size_t>>& all) {
    for (const Node& node : block.nodes) {
      for (const auto& [result, argument] : node.effects.aliases) {
        const auto& shared = all[static_cast<size_t>(argument)];
        all[static_cast<size_t>(result)].insert(shared.begin(), shared.end());
      }
    }
  }

  /// In a loop's next iteration, a carried input has the memory of the output
  /// at the same position. Repeats until nothing is added.
  static void share_across_iterations(
      const Graph& block, std::vector<std::set<size_t>>& all) {
    const size_t num_carried =
        std::min(block.inputs.size(), block.outputs.size());
    for (bool grew = true; grew;) {
      grew = false;
      for (size_t i = 1; i < num_carried; ++i) {
        auto& carried = all[static_cast<size_t>(block.inputs[i].value)];
        const size_t before = carried.size();
        for (const ValueId id : tensors_in(block, block.outputs[i].value)) {
          const auto shared = all[static_cast<size_t>(id)];
          carried.insert(shared.begin(), shared.end());
        }
        grew = grew || carried.size() > before;
      }
      pass_on(block, all);
    }
  }

  void annotate_by_schema(Node& node, const OperatorSchema& schema) {
    for (size_t i = 0; i < schema.arguments.size(); ++i) {
      const SchemaValue& argument = schema.arguments[i];
      const Arg* given = try_argument(node, i, argument.name);
      if (given == nullptr) {
        continue;
      }
      const auto tensors = tensors_in(graph_, *given);
      if (argument.written) {
        std::ranges::copy(tensors, std::back_inserter(node.effects.writes));
      }
      const size_t num_results =
          std::min(schema.results.size(), node.outputs.size());
      for (size_t r = 0; r < num_results; ++r) {
        const auto& result_sets = schema.results[r].alias_sets;
        const bool shared = std::ranges::any_of(
            argument.alias_sets,
            [&](const auto& set) { return result_sets.contains(set); });
        if (shared) {
          add_aliases(node.effects, results(node.outputs[r]), tensors);
        }
      }
    }
  }

  /// Adds effects that the operator's schema does not declare.
  void annotate_beyond_schema(Node& node, const std::string& name) {
    if (may_return_its_input(name)) {
      add_aliases(node.effects, tensor_results(node), tensor_arguments(node));
    }
    const auto statistics = written_statistics(name);
    if (!statistics || !may_be_true(node, statistics->flag)) {
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

  /// Returns false only if the flag is the constant false.
  static bool may_be_true(const Node& node, std::string_view flag) {
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
  const OperatorSchemas& schemas_;
  std::string_view where_;
};

}  // namespace

void annotate_effects(
    ir::Graph& graph, const OperatorSchemas& schemas, std::string_view where) {
  Annotator(graph, schemas, where).run();
}

}  // namespace pp
