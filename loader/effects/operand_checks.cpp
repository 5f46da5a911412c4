#include "loader/effects/operand_checks.h"

#include <string>
#include <vector>

#include "loader/core/count_text.h"
#include "loader/core/error.h"

namespace pp {

namespace {

[[noreturn]] void refuse(
    const ir::Node& node, std::string_view where, const std::string& why) {
  const std::string& name = node.name.empty() ? node.target : node.name;
  throw input_error(
      std::string(where) + ": node '" + name + "' calls '" + node.target +
      "': " + why);
}

/// The graphs of a branch or loop, and the numbers of its operands and results.
/// A list counts once per item.
struct ControlFlow {
  std::vector<const ir::Graph*> graphs;
  size_t num_operands = 0;
  size_t num_results = 0;
};

ControlFlow control_flow_of(const ir::Node& node) {
  ControlFlow out;
  for (const ir::NamedArg& input : node.inputs) {
    if (const auto* sub = std::get_if<ir::SubGraph>(&input.arg.value)) {
      out.graphs.push_back(sub->graph.get());
    } else if (const auto* list = std::get_if<ir::List>(&input.arg.value)) {
      out.num_operands += list->items.size();
    } else {
      ++out.num_operands;
    }
  }
  for (const ir::NodeOutput& output : node.outputs) {
    out.num_results += output.ids.size();
  }
  return out;
}

/// A kind of branch or loop, and how many of its values have no counterpart.
struct ControlFlowRow {
  std::string_view target;
  size_t num_graphs;
  size_t num_conditions;  ///< operands that the graphs don't receive
  size_t num_counters;    ///< inputs of the graph that aren't operands
  size_t num_verdicts;    ///< outputs of the last graph that aren't results
  bool is_loop;
};

constexpr ControlFlowRow kControlFlowRows[] = {
    {"higher_order.cond", 2, 1, 0, 0, false},
    {"higher_order.while_loop", 2, 0, 0, 0, true},
    {"prim::If", 2, 1, 0, 0, false},
    {"prim::Loop", 1, 2, 1, 1, true},
};

/// Checks one graph of a branch or loop.
void check_graph(
    const ir::Node& node,
    const ir::Graph& graph,
    size_t num_inputs,
    size_t num_outputs,
    std::string_view where) {
  if (graph.inputs.size() != num_inputs) {
    refuse(
        node,
        where,
        "one of its graphs has " +
            count_text(graph.inputs.size(), "input", "inputs") +
            ", but receives " + count_text(num_inputs, "value", "values"));
  }
  if (graph.outputs.size() != num_outputs) {
    refuse(
        node,
        where,
        "one of its graphs has " +
            count_text(graph.outputs.size(), "output", "outputs") +
            ", but must have " + std::to_string(num_outputs));
  }
}

}  // namespace

void check_results(
    const ir::Node& node,
    const OperatorSchema& schema,
    std::string_view where) {
  if (node.outputs.size() > schema.results.size()) {
    refuse(
        node,
        where,
        "it has " + count_text(node.outputs.size(), "result", "results") +
            ", but the operator returns " +
            std::to_string(schema.results.size()));
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const ir::NodeOutput& output = node.outputs[i];
    // A single dropped result doesn't show whether it was a list.
    const bool is_dropped =
        !output.is_list && output.ids == std::vector{ir::kNoValue};
    if (output.is_list != schema.results[i].is_list && !is_dropped) {
      refuse(
          node,
          where,
          "its result " + std::to_string(i) +
              (output.is_list
                   ? " is a list, but the operator returns a single value"
                   : " isn't a list, but the operator returns one"));
    }
  }
}

void check_builtin(
    const ir::Node& node, const Builtin& builtin, std::string_view where) {
  if (node.inputs.size() != builtin.num_operands) {
    refuse(
        node,
        where,
        "it has " + count_text(node.inputs.size(), "operand", "operands") +
            ", but needs " + std::to_string(builtin.num_operands));
  }
  if (node.outputs.size() > 1) {
    refuse(
        node,
        where,
        "it has " + std::to_string(node.outputs.size()) +
            " results; at most 1 is valid");
  }
}

void check_control_flow(const ir::Node& node, std::string_view where) {
  const ControlFlow flow = control_flow_of(node);
  for (const ControlFlowRow& row : kControlFlowRows) {
    if (row.target != node.target) {
      continue;
    }
    if (flow.graphs.size() != row.num_graphs) {
      refuse(
          node,
          where,
          "it has " + count_text(flow.graphs.size(), "graph", "graphs") +
              ", but needs " + std::to_string(row.num_graphs));
    }
    if (flow.num_operands < row.num_conditions) {
      refuse(node, where, "it has no condition");
    }
    const size_t num_passed = flow.num_operands - row.num_conditions;
    if (row.is_loop && flow.num_results > num_passed) {
      refuse(
          node,
          where,
          "it has " + count_text(flow.num_results, "result", "results") +
              ", but carries " + count_text(num_passed, "value", "values"));
    }
    for (const ir::Graph* graph : flow.graphs) {
      const bool is_condition = row.target == "higher_order.while_loop" &&
                                graph == flow.graphs.front();
      check_graph(
          node,
          *graph,
          num_passed + row.num_counters,
          is_condition ? 1 : flow.num_results + row.num_verdicts,
          where);
    }
  }
}

}  // namespace pp
