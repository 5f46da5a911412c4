#include "tests/splitter/graphs.h"

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/ir/lint.h"
#include "loader/ir/text.h"
#include "loader/ir/walk.h"
#include "tests/splitter/symbolic.h"

namespace pp::test {

namespace {

ir::Graph parse(const std::string& text) {
  ir::Graph graph = ir::parse_text(text);
  ir::lint(graph, "test graph");
  return graph;
}

std::vector<SplitPoint> points(const std::vector<std::string>& at) {
  std::vector<SplitPoint> out;
  for (const std::string& each : at) {
    out.push_back(parse_split_point(each));
  }
  return out;
}

std::string crossing_fault(
    const ir::Graph& graph, const Cut& cut, const Partition& parts) {
  std::vector<std::string> expected;
  for (const ir::ValueId id : cut.crossing) {
    expected.push_back(graph.values[id].name);
  }
  std::vector<std::string> received;
  for (const StageInput& input : parts.manifest.stages[1].inputs) {
    if (!input.from_user) {
      received.push_back(input.value);
    }
  }
  return expected == received
             ? ""
             : "cut " + std::to_string(cut.position) + " should carry " +
                   join(expected, " ") + ", but carries " + join(received, " ");
}

}  // namespace

Partition split(
    const std::string& text,
    const std::vector<std::string>& at,
    const SplitSpec& spec) {
  const ir::Graph graph = parse(text);
  const SplitFlow flow(graph, spec.rematerialise);
  return partition_graph(
      flow.for_stages(),
      resolve(flow.for_cuts(), points(at)),
      spec.tied == TiedParameters::Transmit);
}

std::string split_error(
    const std::string& text, const std::vector<std::string>& at) {
  try {
    split(text, at);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

std::string flow_of(const StageManifest& stage) {
  std::string out;
  for (const StageInput& input : stage.inputs) {
    const std::string name =
        input.from_user ? "[" + input.user_name + "]" : input.value;
    out += (out.empty() ? "" : " ") + name;
  }
  out += " ->";
  for (const StageOutput& output : stage.outputs) {
    out += " " + output.value;
  }
  return out;
}

std::vector<std::string> nodes_of(const ir::Graph& stage) {
  std::vector<std::string> out;
  for (const ir::Node& node : stage.nodes) {
    const auto defines = ir::defines_of(node);
    out.push_back(
        defines.empty() ? node.target : stage.values[defines.front()].name);
  }
  return out;
}

std::vector<std::string> states_of(const ir::Graph& stage) {
  std::vector<std::string> out;
  for (const ir::State& state : stage.states) {
    out.push_back(state.fqn);
  }
  return out;
}

std::string try_all_cuts(const std::string& text, const SplitSpec& spec) {
  const bool plain =
      spec.rematerialise && spec.tied == TiedParameters::Replicate;
  const ir::Graph graph = parse(text);
  const SplitFlow flow(graph, spec.rematerialise);
  const std::vector<Cut> cuts = legal_cuts(flow.for_cuts());
  int tried = 0;
  const auto fault_of = [&](const std::vector<Cut>& chosen) -> std::string {
    Partition parts;
    try {
      parts = partition_graph(
          flow.for_stages(), chosen, spec.tied == TiedParameters::Transmit);
    } catch (const Error&) {
      return {};  // a stage would be empty
    }
    ++tried;
    std::string where = "cut at";
    for (const Cut& cut : chosen) {
      where += " " + std::to_string(cut.position);
    }
    const std::string fault = compare_with_unsplit(graph, parts.stages);
    if (!fault.empty()) {
      return where + ": " + fault;
    }
    return plain && chosen.size() == 1 ? crossing_fault(graph, chosen[0], parts)
                                       : std::string();
  };
  for (size_t i = 0; i < cuts.size(); ++i) {
    if (auto fault = fault_of({cuts[i]}); !fault.empty()) {
      return fault;
    }
    for (size_t j = i + 1; j < cuts.size(); ++j) {
      if (auto fault = fault_of({cuts[i], cuts[j]}); !fault.empty()) {
        return fault;
      }
      for (size_t k = j + 1; k < cuts.size(); ++k) {
        if (auto fault = fault_of({cuts[i], cuts[j], cuts[k]});
            !fault.empty()) {
          return fault;
        }
      }
    }
  }
  return tried > 0 ? "" : "nothing to try";
}

}  // namespace pp::test
