#include "splitter/cut/cut.h"
#include "splitter/inspect/side_inputs.h"
#include "splitter/inspect/text.h"
#include "splitter/manifest/manifest.h"
#include "splitter/manifest/ordered_json.h"
#include "splitter/manifest/type_text.h"

namespace pp {

namespace {

OrderedJson tree_json(const ModuleNode& module, int depth_left) {
  OrderedJson out;
  out["fqn"] = module.fqn;
  out["type"] = module.type;
  out["parameters"] = module.num_parameters;
  out["bytes"] = module.parameter_bytes;
  out["flops"] = module.flops;
  out["nodes"] = module.num_nodes;
  out["children"] = OrderedJson::array();
  if (depth_left > 0) {
    for (const ModuleNode& child : module.children) {
      out["children"].push_back(tree_json(child, depth_left - 1));
    }
  }
  return out;
}

OrderedJson value_json(const std::string& name, const ir::Value* value) {
  OrderedJson out;
  out["name"] = name;
  if (value == nullptr) {
    out["type"] = "constant";
    return out;
  }
  out["type"] = type_text(value->type);
  if (value->tensor && value->tensor->known) {
    out["dtype"] = ir::name_of(value->tensor->dtype);
    out["shape"] = dims_json(value->tensor->sizes);
  }
  return out;
}

constexpr int kAllLevels = 1 << 20;

}  // namespace

std::string inspect_json(const Model& model, const InspectOptions& options) {
  const ir::Graph& graph = model.graph;
  OrderedJson out;
  out["path"] = model.path;
  out["modules"] =
      tree_json(module_tree(graph), options.depth.value_or(kAllLevels));
  out["inputs"] = OrderedJson::array();
  for (const ir::Input& input : graph.inputs) {
    OrderedJson each = value_json(input.name, &graph.values[input.value]);
    each["keyword"] = input.keyword;
    out["inputs"].push_back(std::move(each));
  }
  out["outputs"] = OrderedJson::array();
  for (const ir::Output& output : graph.outputs) {
    const auto* ref = std::get_if<ir::Ref>(&output.value.value);
    out["outputs"].push_back(value_json(
        output.name, ref == nullptr ? nullptr : &graph.values[ref->id]));
  }
  out["tied"] = OrderedJson::array();
  for (const ir::State& state : graph.states) {
    if (!state.aliases.empty()) {
      out["tied"].push_back({{"fqn", state.fqn}, {"aliases", state.aliases}});
    }
  }
  out["cuts"] = OrderedJson::array();
  const Flow flow = analyse_flow(graph);
  const std::vector<Cut> cuts = legal_cuts(flow);
  for (const Cut& cut : cuts) {
    OrderedJson values = OrderedJson::array();
    for (const ir::ValueId id : cut.crossing) {
      values.push_back(graph.values[id].name);
    }
    out["cuts"].push_back(
        {{"at", cut.names},  // empty for a cut inside a module
         {"before", graph.nodes[cut.position].name},
         {"bytes", cut.num_bytes},
         {"values", values}});
  }
  out["side_inputs"] = OrderedJson::array();
  for (const SideInput& input : side_inputs(flow, cuts)) {
    out["side_inputs"].push_back(
        {{"name", input.name}, {"until", input.until}});
  }
  out["notes"] = model.notes;
  return out.dump(2) + "\n";
}

std::string inspect_json(
    const StageDirectory& stages, const InspectOptions& options) {
  OrderedJson out;
  out["path"] = stages.path.string();
  out["manifest"] = OrderedJson::parse(to_json(stages.manifest));
  out["modules"] = OrderedJson::array();
  for (const Model& stage : stages.stages) {
    out["modules"].push_back(tree_json(
        module_tree(stage.graph), options.depth.value_or(kAllLevels)));
  }
  return out.dump(2) + "\n";
}

}  // namespace pp
