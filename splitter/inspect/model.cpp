#include <algorithm>
#include <filesystem>

#include "loader/core/text.h"
#include "splitter/cut/cut.h"
#include "splitter/inspect/side_inputs.h"
#include "splitter/inspect/text.h"
#include "splitter/manifest/type_text.h"

namespace pp {

namespace {

using enum Table::Align;

void add_branches(
    Table& table,
    const ModuleNode& module,
    const std::string& lead,
    int depth_left) {
  if (depth_left <= 0) {
    return;
  }
  for (size_t i = 0; i < module.children.size(); ++i) {
    const ModuleNode& child = module.children[i];
    const bool last = i + 1 == module.children.size();
    table.add(
        {lead + (last ? "└─ " : "├─ ") + child.name,
         child.num_nodes == 0 ? "never called" : child.type,
         child.num_parameters == 0 ? "" : human_count(child.num_parameters),
         child.parameter_bytes == 0 ? "" : human_bytes(child.parameter_bytes),
         child.flops == 0 ? "" : human_count(child.flops)});
    add_branches(table, child, lead + (last ? "   " : "│  "), depth_left - 1);
  }
}

std::string dims_text(
    const ir::Graph& graph,
    const ir::Type& type,
    const ir::TensorMeta& tensor) {
  if (type.kind != ir::TypeKind::Tensor) {
    return "";
  }
  if (!tensor.known) {
    return "sizes not in the file";
  }
  std::vector<std::string> parts;
  for (size_t i = 0; i < tensor.sizes.size(); ++i) {
    const ir::Dim& dim = tensor.sizes[i];
    std::string part = "dimension " + std::to_string(i) + " ";
    if (dim.is_fixed()) {
      part += "fixed";
    } else {
      part += "free";
      if (const auto range = graph.ranges.find(dim.expr);
          range != graph.ranges.end()) {
        const auto& [low, high] = range->second;
        part += low ? ", from " + std::to_string(*low) : "";
        part += high ? " to " + std::to_string(*high) : "";
      }
    }
    parts.push_back(std::move(part));
  }
  return join(parts, "; ");
}

std::string interface_text(const ir::Graph& graph) {
  Table inputs({Left, Left, Left});
  for (const ir::Input& input : graph.inputs) {
    const ir::Value& value = graph.values[input.value];
    const auto tensor = value.tensor.value_or(ir::TensorMeta{});
    inputs.add(
        {input.name,
         describe_type(value.type, tensor),
         dims_text(graph, value.type, tensor)});
  }
  Table outputs({Left, Left});
  for (const ir::Output& output : graph.outputs) {
    const auto* ref = std::get_if<ir::Ref>(&output.value.value);
    outputs.add(
        {output.name,
         ref == nullptr
             ? "constant"
             : describe_type(
                   graph.values[ref->id].type,
                   graph.values[ref->id].tensor.value_or(ir::TensorMeta{}))});
  }
  return "inputs\n" + inputs.text("  ") + "outputs\n" + outputs.text("  ");
}

std::string ties_text(const ir::Graph& graph) {
  std::string out;
  for (const ir::State& state : graph.states) {
    if (!state.aliases.empty()) {
      out += "  " + state.fqn + " = " + join(state.aliases, " = ") + "\n";
    }
  }
  return out.empty() ? out : "tied parameters\n" + out;
}

/// Number of parts of the FQN that a split point names.
int depth_of(const std::string& split_point) {
  return static_cast<int>(std::ranges::count(split_point, '.')) + 1;
}

std::string side_inputs_text(const Flow& flow, const std::vector<Cut>& cuts) {
  Table table({Left, Left});
  for (const SideInput& input : side_inputs(flow, cuts)) {
    table.add(
        {input.name,
         "until " + (input.until.empty() ? "the end" : input.until)});
  }
  return table.empty() ? ""
                       : "side inputs: needed after a cut\n" + table.text("  ");
}

/// The split points of a cut that are at most `depth` modules deep.
std::vector<std::string> names_within(
    const Cut& cut, const std::optional<int>& depth) {
  std::vector<std::string> names;
  for (const std::string& name : cut.names) {
    if (!depth || depth_of(name) <= *depth) {
      names.push_back(name);
    }
  }
  return names;
}

std::string cuts_text(
    const ir::Graph& graph,
    const std::vector<Cut>& cuts,
    const std::optional<int>& depth) {
  Table table({Left, Right, Left});
  size_t inside_modules = 0;
  size_t too_deep = 0;
  for (const Cut& cut : cuts) {
    const std::vector<std::string> names = names_within(cut, depth);
    if (names.empty()) {
      ++(cut.names.empty() ? inside_modules : too_deep);
      continue;
    }
    std::vector<std::string> values;
    for (const ir::ValueId id : cut.crossing) {
      values.push_back(graph.values[id].name);
    }
    table.add({join(names), human_bytes(cut.num_bytes), join(values)});
  }
  std::string out;
  if (!table.empty()) {
    out = "cuts: split point, bytes that cross, values that cross\n" +
          table.text("  ");
  } else {
    out = too_deep > 0 ? "cuts\n" : "no legal cuts at module boundaries\n";
  }
  if (too_deep > 0) {
    out += std::string(table.empty() ? "  " : "  and ") +
           std::to_string(too_deep) +
           " at deeper modules, which a higher --depth lists\n";
  }
  if (inside_modules > 0) {
    out += "  and " + std::to_string(inside_modules) +
           " inside modules, which --stages may choose too; --format json "
           "lists them\n";
  }
  return out;
}

}  // namespace

Table tree_table() {
  Table table({Left, Left, Right, Right, Right});
  table.add({"module", "type", "parameters", "bytes", "FLOPs"});
  return table;
}

void add_tree(
    Table& table,
    const ModuleNode& root,
    const std::string& root_name,
    const std::optional<int>& depth) {
  table.add(
      {root_name,
       root.type,
       human_count(root.num_parameters),
       human_bytes(root.parameter_bytes),
       human_count(root.flops)});
  constexpr int kAllLevels = 1 << 20;
  add_branches(table, root, "", depth.value_or(kAllLevels));
}

std::string inspect(const Model& model, const InspectOptions& options) {
  if (options.format == InspectFormat::Json) {
    return inspect_json(model, options);
  }
  if (options.format == InspectFormat::Dot) {
    return inspect_dot(model, options);
  }
  Table tree = tree_table();
  add_tree(
      tree,
      module_tree(model.graph),
      std::filesystem::path(model.path).filename().string(),
      options.depth);
  const Flow flow = analyse_flow(model.graph);
  const std::vector<Cut> cuts = legal_cuts(flow);
  std::string out = tree.text() + "\n" + interface_text(model.graph) +
                    ties_text(model.graph) + side_inputs_text(flow, cuts) +
                    cuts_text(model.graph, cuts, options.depth);
  for (const std::string& note : model.notes) {
    out += "note: " + note + "\n";
  }
  return out;
}

}  // namespace pp
