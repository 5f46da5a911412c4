// halve SOURCE.pt2 POSITION FIRST.pt2 SECOND.pt2
//
// Cuts a graph after POSITION percent of its nodes and writes both parts as
// programs. This tests the writer without the splitter's decisions. The first
// part has all inputs. The second receives values of the first part by position
// and user inputs by keyword.

#include <algorithm>
#include <iostream>
#include <string>

#include "loader/core/error.h"
#include "loader/exported_program/load.h"
#include "loader/ir/lint.h"
#include "loader/ir/walk.h"
#include "loader/model_loader.h"

namespace {

using pp::ir::Graph;
using pp::ir::ValueId;

/// Copies parts of a graph. Values are numbered in the order of copying.
class Part {
 public:
  explicit Part(const Graph& source)
      : source_(source), ids_(source.values.size(), pp::ir::kNoValue) {}

  ValueId copy(ValueId id) {
    ValueId& copied = ids_[static_cast<size_t>(id)];
    if (copied == pp::ir::kNoValue) {
      copied =
          pp::ir::add_value(graph_, source_.values[static_cast<size_t>(id)]);
    }
    return copied;
  }
  bool has(ValueId id) const {
    return ids_[static_cast<size_t>(id)] != pp::ir::kNoValue;
  }
  void translate(pp::ir::Arg& arg) {
    pp::ir::for_each_ref(arg, [&](ValueId& id) { id = copy(id); });
  }
  void add_state_of(ValueId id) {
    for (const pp::ir::State& state : source_.states) {
      if (state.value == id && !has(id)) {
        graph_.states.push_back(state);
        graph_.states.back().value = copy(id);
      }
    }
  }
  void add_node(const pp::ir::Node& node) {
    pp::ir::Node copied = node;
    for (pp::ir::NamedArg& input : copied.inputs) {
      translate(input.arg);
    }
    for (pp::ir::NodeOutput& output : copied.outputs) {
      for (ValueId& id : output.ids) {
        id = id == pp::ir::kNoValue ? id : copy(id);
      }
    }
    for (ValueId& id : copied.effects.writes) {
      id = copy(id);
    }
    for (auto& [result, argument] : copied.effects.aliases) {
      result = copy(result);
      argument = copy(argument);
    }
    graph_.nodes.push_back(std::move(copied));
  }

  Graph& graph() { return graph_; }

 private:
  const Graph& source_;
  Graph graph_;
  std::vector<ValueId> ids_;
};

bool is_state(const Graph& graph, ValueId id) {
  return std::ranges::count(graph.states, id, &pp::ir::State::value) > 0;
}

bool is_input(const Graph& graph, ValueId id) {
  return std::ranges::count(graph.inputs, id, &pp::ir::Input::value) > 0;
}

bool is_defined_in(const Graph& graph, ValueId id, size_t begin, size_t end) {
  return std::any_of(
      graph.nodes.begin() + static_cast<ptrdiff_t>(begin),
      graph.nodes.begin() + static_cast<ptrdiff_t>(end),
      [&](const pp::ir::Node& node) {
        return std::ranges::count(pp::ir::defines_of(node), id) > 0;
      });
}

/// Values that the nodes in [begin, end) read, in order and without repeats.
/// The last part also reads the outputs. A buffer is mutated in the part that
/// computes its new value.
std::vector<ValueId> reads_from(const Graph& graph, size_t begin, size_t end) {
  std::vector<ValueId> out;
  const auto add = [&](ValueId id) {
    if (std::ranges::count(out, id) == 0) {
      out.push_back(id);
    }
  };
  for (size_t i = begin; i < end; ++i) {
    std::ranges::for_each(pp::ir::reads_of(graph.nodes[i]), add);
  }
  if (end == graph.nodes.size()) {
    for (const pp::ir::Output& output : graph.outputs) {
      pp::ir::for_each_ref(output.value, add);
    }
  }
  for (const pp::ir::Mutation& mutation : graph.mutations) {
    if (is_defined_in(graph, mutation.value, begin, end)) {
      add(graph
              .states[static_cast<size_t>(
                  pp::ir::try_find_state(graph, mutation.fqn))]
              .value);
    }
  }
  return out;
}

void add_mutations(Part& part, const Graph& graph, size_t begin, size_t end) {
  for (const pp::ir::Mutation& mutation : graph.mutations) {
    if (is_defined_in(graph, mutation.value, begin, end)) {
      part.graph().mutations.push_back(
          {mutation.fqn, part.copy(mutation.value)});
    }
  }
}

Graph first_part(
    const Graph& graph, size_t cut, const std::vector<ValueId>& crossing) {
  Part part(graph);
  part.graph().ranges = graph.ranges;
  for (const pp::ir::Input& input : graph.inputs) {
    part.graph().inputs.push_back(input);
    part.graph().inputs.back().value = part.copy(input.value);
  }
  for (const ValueId id : reads_from(graph, 0, cut)) {
    part.add_state_of(id);
  }
  for (size_t i = 0; i < cut; ++i) {
    part.add_node(graph.nodes[i]);
  }
  add_mutations(part, graph, 0, cut);
  for (const ValueId id : crossing) {
    part.graph().outputs.push_back(
        {graph.values[static_cast<size_t>(id)].name,
         {pp::ir::Ref{part.copy(id)}}});
  }
  return part.graph();
}

Graph second_part(
    const Graph& graph, size_t cut, const std::vector<ValueId>& crossing) {
  Part part(graph);
  part.graph().ranges = graph.ranges;
  for (const ValueId id : crossing) {
    part.graph().inputs.push_back(
        {graph.values[static_cast<size_t>(id)].name, part.copy(id), false});
  }
  for (const ValueId id : reads_from(graph, cut, graph.nodes.size())) {
    part.add_state_of(id);
    for (const pp::ir::Input& input : graph.inputs) {
      if (input.value == id) {
        part.graph().inputs.push_back({input.name, part.copy(id), true});
      }
    }
  }
  for (size_t i = cut; i < graph.nodes.size(); ++i) {
    part.add_node(graph.nodes[i]);
  }
  for (const pp::ir::Output& output : graph.outputs) {
    part.graph().outputs.push_back(output);
    part.translate(part.graph().outputs.back().value);
  }
  add_mutations(part, graph, cut, graph.nodes.size());
  return part.graph();
}

int halve(char** argv) {
  const pp::Model model = pp::load_model(argv[1]);
  const Graph& graph = model.graph;
  const size_t cut = graph.nodes.size() * std::stoul(argv[2]) / 100;
  std::vector<ValueId> crossing;
  for (const ValueId id : reads_from(graph, cut, graph.nodes.size())) {
    if (!is_state(graph, id) && !is_input(graph, id) &&
        is_defined_in(graph, id, 0, cut)) {
      crossing.push_back(id);
    }
  }
  const Graph first = first_part(graph, cut, crossing);
  const Graph second = second_part(graph, cut, crossing);
  pp::ir::lint(first, "first part");
  pp::ir::lint(second, "second part");
  pp::write_exported_program(argv[3], first, model, pp::OutputTree::Tuple);
  pp::write_exported_program(argv[4], second, model, pp::OutputTree::Source);
  // Reading back gives what was written, names included.
  for (const auto& [path, part] :
       {std::pair{argv[3], &first}, std::pair{argv[4], &second}}) {
    const pp::Model reread = pp::load_model(path);
    const auto same = [](const auto& a, const auto& b) {
      return a.name == b.name;
    };
    if (!std::ranges::equal(reread.graph.inputs, part->inputs, same) ||
        !std::ranges::equal(reread.graph.outputs, part->outputs, same) ||
        reread.graph.nodes.size() != part->nodes.size()) {
      std::cerr << path << ": does not read back\n";
      return 1;
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "halve SOURCE POSITION FIRST SECOND\n";
    return 2;
  }
  try {
    return halve(argv);
  } catch (const pp::Error& error) {
    std::cerr << error.what() << "\n";
    return static_cast<int>(error.kind());
  }
}
