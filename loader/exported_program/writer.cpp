#include "loader/exported_program/writer.h"

#include <algorithm>
#include <limits>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/exported_program/enums.h"
#include "loader/exported_program/internal.h"
#include "loader/exported_program/module_stack.h"
#include "loader/ir/walk.h"

namespace pp::ep {

namespace {

/// Stands for the last reader of a value that leaves the graph.
constexpr size_t kAfterAll = std::numeric_limits<size_t>::max();

Json empty_graph() {
  return {
      {"inputs", Json::array()},
      {"outputs", Json::array()},
      {"nodes", Json::array()},
      {"tensor_values", Json::object()},
      {"sym_int_values", Json::object()},
      {"sym_bool_values", Json::object()},
      {"is_single_tensor_return", false},
      {"custom_obj_values", Json::object()},
      {"sym_float_values", Json::object()}};
}

/// Adds torch's prefix to operators. Functions of Python keep their names.
std::string long_target(const std::string& target) {
  const bool python = target.starts_with("_operator.") ||
                      target.starts_with("math.") ||
                      target.starts_with("torch.");
  return python ? target : "torch.ops." + target;
}

Json positional(Json arg) {
  constexpr int kPositional = 1;
  return {{"name", ""}, {"arg", std::move(arg)}, {"kind", kPositional}};
}

std::string region_of(const ir::Node& node) {
  const auto found = node.metadata.find(kRegion);
  return found == node.metadata.end() ? "" : found->second;
}

bool is_plain(const ir::Node& node) {
  return node.grad_enabled && !node.autocast;
}

std::vector<ir::ModuleFrame> common_frames(
    const std::vector<ir::Node>& nodes, size_t begin, size_t end) {
  std::vector<ir::ModuleFrame> out = nodes[begin].modules;
  for (size_t i = begin + 1; i < end; ++i) {
    const auto [end_of_common, ignored] =
        std::ranges::mismatch(out, nodes[i].modules);
    out.erase(end_of_common, out.end());
  }
  return out;
}

Json metadata_json(const ir::Node& node) {
  Json out = Json::object();
  for (const auto& [key, value] : node.metadata) {
    if (key != kRegion && key != kSingleReturn) {
      out[key] = value;
    }
  }
  if (!node.modules.empty()) {
    out[kModuleStack] = module_stack_text(node.modules);
  }
  return out;
}

Json single_return_json(const ir::Node& node) {
  const auto found = node.metadata.find(kSingleReturn);
  return found == node.metadata.end() ? Json() : Json(found->second == "true");
}

}  // namespace

GraphWriter::GraphWriter(const ir::Graph& graph, const Expressions& expressions)
    : graph_(graph), expressions_(expressions), root_(empty_graph()) {
  for (const ir::Value& value : graph.values) {
    names_.insert(value.name);
  }
  find_last_reads();
}

const ir::Value& GraphWriter::value_of(ir::ValueId id) const {
  return graph_.values.at(static_cast<size_t>(id));
}

void GraphWriter::find_last_reads() {
  last_reads_.assign(graph_.values.size(), 0);
  for (size_t i = 0; i < graph_.nodes.size(); ++i) {
    for (const ir::ValueId id : ir::reads_of(graph_.nodes[i])) {
      last_reads_[static_cast<size_t>(id)] = i;
    }
  }
  for (const ir::Output& output : graph_.outputs) {
    ir::for_each_ref(output.value, [&](ir::ValueId id) {
      last_reads_[static_cast<size_t>(id)] = kAfterAll;
    });
  }
  for (const ir::Mutation& mutation : graph_.mutations) {
    last_reads_[static_cast<size_t>(mutation.value)] = kAfterAll;
  }
}

void GraphWriter::declare(Json& section, ir::ValueId value) const {
  add_value_json(section, value_of(value), expressions_);
}

void GraphWriter::add_input(ir::ValueId value) {
  declare(root_, value);
  root_["inputs"].push_back(value_json(value_of(value)));
}

void GraphWriter::add_constant_input(Json constant) {
  root_["inputs"].push_back(std::move(constant));
}

void GraphWriter::add_output(const ir::Arg& value) {
  root_["outputs"].push_back(arg(value));
}

void GraphWriter::add_nodes() {
  for (size_t i = 0; i < graph_.nodes.size();) {
    const Run run = run_at(i);
    add_run(run);
    i = run.end;
  }
}

GraphWriter::Run GraphWriter::run_at(size_t begin) const {
  const auto& nodes = graph_.nodes;
  size_t end = begin + 1;
  const auto same = [&](const ir::Node& node) {
    return node.grad_enabled == nodes[begin].grad_enabled &&
           node.autocast == nodes[begin].autocast &&
           region_of(node) == region_of(nodes[begin]);
  };
  while (!is_plain(nodes[begin]) && end < nodes.size() && same(nodes[end])) {
    ++end;
  }
  return {begin, end};
}

void GraphWriter::add_run(const Run& run) {
  const ir::Node& first = graph_.nodes[run.begin];
  const auto results = results_of(run);
  bool writes = false;
  for (size_t i = run.begin; i < run.end; ++i) {
    writes = writes || !graph_.nodes[i].effects.writes.empty();
  }
  // The region doesn't matter for nodes without results (assertions).
  if (is_plain(first) || (results.empty() && !writes)) {
    for (size_t i = run.begin; i < run.end; ++i) {
      add_node(root_, graph_.nodes[i]);
    }
    return;
  }
  const auto operands = operands_of(run);
  Json inner = section_of(operands, results);
  for (size_t i = run.begin; i < run.end; ++i) {
    add_node(inner, graph_.nodes[i]);
  }
  if (!first.grad_enabled) {
    Json settings = Json::array({positional({{"as_bool", false}})});
    Json node = region_node(
        origin_of(run, false),
        "wrap_with_set_grad_enabled",
        std::move(settings),
        std::move(inner),
        operands,
        results);
    if (!first.autocast) {
      root_["nodes"].push_back(std::move(node));
      for (const ir::ValueId id : results) {
        declare(root_, id);
      }
      return;
    }
    inner = section_of(operands, results);
    for (const ir::ValueId id : results) {
      declare(inner, id);
    }
    inner["nodes"].push_back(std::move(node));
  }
  const ir::Autocast& cast = *first.autocast;
  Json settings = Json::array(
      {positional({{"as_string", cast.device_type}}),
       positional({{"as_scalar_type", number_of(cast.dtype)}}),
       positional({{"as_bool", cast.enabled}}),
       positional({{"as_bool", cast.cache_enabled}})});
  root_["nodes"].push_back(region_node(
      origin_of(run, !first.grad_enabled),
      "wrap_with_autocast",
      std::move(settings),
      std::move(inner),
      operands,
      results));
  for (const ir::ValueId id : results) {
    declare(root_, id);
  }
}

Json GraphWriter::section_of(
    const std::vector<ir::ValueId>& operands,
    const std::vector<ir::ValueId>& results) const {
  Json out = empty_graph();
  for (const ir::ValueId id : operands) {
    declare(out, id);
    out["inputs"].push_back(value_json(value_of(id)));
  }
  for (const ir::ValueId id : results) {
    out["outputs"].push_back(value_json(value_of(id)));
  }
  return out;
}

// A region of the source keeps its module stack. Any other region gets the
// frames that the stacks of all its nodes have in common.
GraphWriter::RegionOrigin GraphWriter::origin_of(
    const Run& run, bool outermost) const {
  auto lines = split_text(region_of(graph_.nodes[run.begin]), '\n');
  lines.pop_back();  // the empty text after the last line
  if (lines.empty()) {
    return {
        "submod_0",
        module_stack_text(common_frames(graph_.nodes, run.begin, run.end))};
  }
  const std::string& line = outermost ? lines.front() : lines.back();
  const size_t tab = line.find('\t');
  return {line.substr(0, tab), line.substr(tab + 1)};
}

Json GraphWriter::region_node(
    const RegionOrigin& origin,
    const std::string& target,
    Json settings,
    Json inner,
    const std::vector<ir::ValueId>& operands,
    const std::vector<ir::ValueId>& results) {
  Json inputs = std::move(settings);
  inputs.push_back(positional(
      {{"as_graph",
        {{"name", unique(origin.name)}, {"graph", std::move(inner)}}}}));
  for (const ir::ValueId id : operands) {
    inputs.push_back(positional(value_json(value_of(id))));
  }
  Json outputs = Json::array();
  for (const ir::ValueId id : results) {
    outputs.push_back(value_json(value_of(id)));
  }
  Json metadata = Json::object();
  if (!origin.module_stack.empty()) {
    metadata[kModuleStack] = origin.module_stack;
  }
  return {
      {"target", "torch.ops.higher_order." + target},
      {"inputs", std::move(inputs)},
      {"outputs", std::move(outputs)},
      {"metadata", std::move(metadata)},
      {"is_hop_single_tensor_return", false},
      {"name", unique(target)}};
}

std::vector<ir::ValueId> GraphWriter::operands_of(const Run& run) const {
  std::set<ir::ValueId> visited;
  std::vector<ir::ValueId> out;
  for (size_t i = run.begin; i < run.end; ++i) {
    for (const ir::ValueId id : ir::reads_of(graph_.nodes[i])) {
      if (visited.insert(id).second) {
        out.push_back(id);
      }
    }
    for (const ir::ValueId id : ir::defines_of(graph_.nodes[i])) {
      visited.insert(id);
    }
  }
  return out;
}

std::vector<ir::ValueId> GraphWriter::results_of(const Run& run) const {
  std::vector<ir::ValueId> out;
  for (size_t i = run.begin; i < run.end; ++i) {
    for (const ir::ValueId id : ir::defines_of(graph_.nodes[i])) {
      if (last_reads_[static_cast<size_t>(id)] >= run.end) {
        out.push_back(id);
      }
    }
  }
  return out;
}

void GraphWriter::declare_results(Json& section, const ir::Node& node) const {
  for (const ir::ValueId id : ir::defines_of(node)) {
    declare(section, id);
  }
}

void GraphWriter::add_node(Json& section, const ir::Node& node) {
  declare_results(section, node);
  constexpr int kPositional = 1;
  constexpr int kKeyword = 2;
  Json inputs = Json::array();
  for (const ir::NamedArg& input : node.inputs) {
    inputs.push_back(
        {{"name", input.name},
         {"arg", arg(input.arg)},
         {"kind", input.keyword ? kKeyword : kPositional}});
  }
  Json outputs = Json::array();
  for (const ir::NodeOutput& output : node.outputs) {
    if (!output.is_list) {
      outputs.push_back(
          output.ids[0] == ir::kNoValue ? Json({{"as_none", true}})
                                        : value_json(value_of(output.ids[0])));
      continue;
    }
    ir::List list;
    for (const ir::ValueId id : output.ids) {
      const bool kept = id != ir::kNoValue;
      list.kind = kept ? list.kind : ir::ListKind::OptionalTensors;
      list.items.push_back(kept ? ir::Arg{ir::Ref{id}} : ir::Arg{ir::None{}});
    }
    outputs.push_back(arg({std::move(list)}));
  }
  section["nodes"].push_back(
      {{"target", long_target(node.target)},
       {"inputs", std::move(inputs)},
       {"outputs", std::move(outputs)},
       {"metadata", metadata_json(node)},
       {"is_hop_single_tensor_return", single_return_json(node)},
       {"name", node_name(node)}});
}

// Torch gives a node the name of its only result. A node with no result or
// several gets an unused name.
std::string GraphWriter::node_name(const ir::Node& node) {
  const bool single = node.outputs.size() == 1 && !node.outputs[0].is_list &&
                      node.outputs[0].ids[0] != ir::kNoValue;
  const Json in_tuple = single_return_json(node);
  if (single && (in_tuple.is_null() || in_tuple.get<bool>())) {
    return value_of(node.outputs[0].ids[0]).name;
  }
  if (!node.name.empty()) {
    return unique(node.name);
  }
  std::string plain = node.target;
  std::ranges::replace(plain, '.', '_');
  return unique(plain);
}

std::string GraphWriter::unique(const std::string& wanted) {
  std::string name = wanted;
  for (int i = 1; !names_.insert(name).second; ++i) {
    name = wanted + "_" + std::to_string(i);
  }
  return name;
}

Json GraphWriter::arg(const ir::Arg& value) const {
  return arg_json(value, graph_, [&](const ir::SubGraph& sub) {
    return sub_graph_json(sub);
  });
}

Json GraphWriter::sub_graph_json(const ir::SubGraph& sub) const {
  const ir::Graph& graph = *sub.graph;
  GraphWriter writer(graph, expressions_);
  for (const ir::Input& input : graph.inputs) {
    writer.add_input(input.value);
  }
  writer.add_nodes();
  for (const ir::Output& output : graph.outputs) {
    writer.add_output(output.value);
  }
  Json out = writer.release();
  out["is_single_tensor_return"] =
      graph.outputs.size() == 1 && graph.outputs[0].name == kSingleOutput;
  return out;
}

}  // namespace pp::ep
