#include "loader/exported_program/reader.h"

#include <algorithm>
#include <array>
#include <memory>

#include "loader/exported_program/internal.h"
#include "loader/exported_program/module_stack.h"
#include "loader/ir/walk.h"

namespace pp::ep {

namespace {

constexpr std::array<const char*, 4> kTables{
    "tensor_values", "sym_int_values", "sym_bool_values", "sym_float_values"};

/// TorchScript's own operators, among them its branches and loops.
constexpr std::string_view kScriptPrefix = "prim::";

/// "torch.ops.aten.add.Tensor" -> "aten.add.Tensor"
std::string short_target(const std::string& target) {
  constexpr std::string_view kPrefix = "torch.ops.";
  return target.starts_with(kPrefix) ? target.substr(kPrefix.size()) : target;
}

}  // namespace

GraphReader::GraphReader(
    const Json& json, JsonFields& fields, Expressions& expressions)
    : fields_(fields), expressions_(expressions) {
  root_.json = &json;
  for (const char* table : kTables) {
    if (const Json* values = fields_.try_at(json, table)) {
      for (const auto& [name, value] : fields_.object(*values).items()) {
        reserved_.insert(name);
      }
    }
  }
}

ir::ValueId GraphReader::define(const std::string& name) {
  return define(name, root_);
}

void GraphReader::bind(const std::string& name, ir::ValueId value) {
  if (!root_.values.emplace(name, value).second) {
    fields_.fail("value '" + name + "' is defined twice");
  }
}

ir::ValueId GraphReader::find(const std::string& name) const {
  return find(name, root_);
}

void GraphReader::read_nodes() {
  read_nodes(fields_.array_at(*root_.json, "nodes"), root_);
  fields_.set_place("");
}

ir::Arg GraphReader::read_argument(const Json& argument) {
  return read_argument(argument, root_);
}

ir::ValueId GraphReader::define(const std::string& name, Scope& scope) {
  ir::Value value = read_value(name, *scope.json, fields_, expressions_);
  value.name = unique_name(name, scope);
  taken_.insert(value.name);
  const ir::ValueId id = ir::add_value(graph_, std::move(value));
  if (!scope.values.emplace(name, id).second) {
    fields_.fail("value '" + name + "' is defined twice");
  }
  return id;
}

// Values of a region get names in the outer graph. A result keeps the name that
// it has inside if that is free, or else gets the name that it has outside.
std::string GraphReader::unique_name(
    const std::string& name, const Scope& scope) const {
  const auto is_free = [&](const std::string& candidate) {
    return taken_.count(candidate) + reserved_.count(candidate) == 0;
  };
  if (scope.outer == nullptr || is_free(name)) {
    return name;
  }
  const auto result = scope.results.find(name);
  if (result != scope.results.end() && taken_.count(result->second) == 0) {
    return result->second;
  }
  for (int i = 1;; ++i) {
    const std::string candidate = name + "_" + std::to_string(i);
    if (is_free(candidate)) {
      return candidate;
    }
  }
}

ir::ValueId GraphReader::find(
    const std::string& name, const Scope& scope) const {
  const auto found = scope.values.find(name);
  if (found == scope.values.end()) {
    fields_.fail("reads '" + name + "', which no earlier node defines");
  }
  return found->second;
}

ir::Arg GraphReader::read_argument(const Json& argument, const Scope& scope) {
  const ArgumentScope access{
      [&](const std::string& name) { return find(name, scope); },
      [&](const std::string& name, const Json& json) {
        return read_sub_graph(name, json);
      }};
  return read_arg(argument, fields_, access);
}

void GraphReader::read_nodes(const Json& nodes, Scope& scope) {
  for (const Json& json : nodes) {
    const Json* name = fields_.try_at(json, "name");
    std::string target = short_target(fields_.text_at(json, "target"));
    fields_.set_place(
        "node '" + (name == nullptr ? target : fields_.text(*name)) + "' (" +
        target + ")");
    if (target.starts_with(kScriptPrefix)) {
      fields_.fail(
          "is a TorchScript operator, which an exported program can't call");
    }
    if (is_region(target)) {
      inline_region(json, target, scope);
    } else {
      read_node(json, std::move(target), scope);
    }
  }
}

void GraphReader::read_node(
    const Json& json, std::string target, Scope& scope) {
  ir::Node node;
  node.target = std::move(target);
  node.grad_enabled = scope.grad_enabled;
  node.autocast = scope.autocast;
  for (const Json& input : fields_.array_at(json, "inputs")) {
    constexpr int64_t kKeyword = 2;
    const Json* kind = fields_.try_at(input, "kind");
    ir::NamedArg arg;
    arg.name = fields_.text_at(input, "name");
    arg.arg = read_argument(fields_.at(input, "arg"), scope);
    arg.keyword = kind != nullptr && fields_.integer(*kind) == kKeyword;
    node.inputs.push_back(std::move(arg));
  }
  const size_t first = graph_.values.size();
  for (const Json& output : fields_.array_at(json, "outputs")) {
    // A call without a result is stored with the output None.
    if (fields_.one_of(output).first != "as_none" ||
        fields_.array_at(json, "outputs").size() > 1) {
      node.outputs.push_back(read_output(output, scope));
    }
  }
  if (const Json* name = fields_.try_at(json, "name")) {
    node.name = fields_.text(*name);
  }
  // A node has the name of its result, so rename both.
  const auto results = result_names(json);
  if (graph_.values.size() > first &&
      (node.name.empty() || (!results.empty() && node.name == results[0]))) {
    node.name = graph_.values[first].name;
  }
  read_metadata(json, node, scope);
  graph_.nodes.push_back(std::move(node));
}

void GraphReader::read_metadata(
    const Json& json, ir::Node& node, const Scope& scope) {
  node.modules = scope.modules;
  if (const Json* metadata = fields_.try_at(json, "metadata")) {
    for (const auto& [key, value] : fields_.object(*metadata).items()) {
      node.metadata[key] = fields_.text(value);
    }
  }
  if (const auto stack = node.metadata.find(kModuleStack);
      stack != node.metadata.end()) {
    auto frames = read_module_stack(stack->second, fields_);
    // Keep the marker of a node outside all modules. The writer derives all
    // other entries from the frames.
    if (!frames.empty()) {
      node.modules = std::move(frames);
      node.metadata.erase(stack);
    }
  }
  if (const Json* single =
          fields_.try_at(json, "is_hop_single_tensor_return")) {
    node.metadata[kSingleReturn] = fields_.boolean(*single) ? "true" : "false";
  }
  if (!scope.region.empty()) {
    node.metadata[kRegion] = scope.region;
  }
}

ir::NodeOutput GraphReader::read_output(const Json& output, Scope& scope) {
  const auto [kind, value] = fields_.one_of(output);
  if (kind == "as_none") {
    return {{ir::kNoValue}, false};
  }
  if (const std::string* name = try_value_name(output, fields_)) {
    return {{define(*name, scope)}, false};
  }
  ir::NodeOutput out{{}, true};
  if (kind != "as_tensors" && kind != "as_optional_tensors" &&
      kind != "as_sym_ints") {
    fields_.fail("results of kind '" + kind + "' are not supported");
  }
  for (const Json& item : fields_.array(value)) {
    const Json* tensor = kind == "as_tensors" ? &item
                         : kind == "as_optional_tensors"
                             ? fields_.try_at(item, "as_tensor")
                             : nullptr;
    const Json* symbol =
        kind == "as_sym_ints" ? fields_.try_at(item, "as_name") : nullptr;
    if (tensor != nullptr) {
      out.ids.push_back(define(fields_.text_at(*tensor, "name"), scope));
    } else if (symbol != nullptr) {
      out.ids.push_back(define(fields_.text(*symbol), scope));
    } else {
      out.ids.push_back(ir::kNoValue);
    }
  }
  return out;
}

std::vector<std::string> GraphReader::result_names(const Json& node) {
  std::vector<std::string> out;
  for (const Json& output : fields_.array_at(node, "outputs")) {
    if (const std::string* name = try_value_name(output, fields_)) {
      out.push_back(*name);
      continue;
    }
    const auto [kind, value] = fields_.one_of(output);
    if (kind == "as_tensors") {
      for (const Json& item : fields_.array(value)) {
        out.push_back(fields_.text_at(item, "name"));
      }
    }
  }
  return out;
}

ir::SubGraph GraphReader::read_sub_graph(
    const std::string& name, const Json& json) {
  const std::string place = fields_.place();
  fields_.set_place(place + ", graph '" + name + "'");
  GraphReader reader(json, fields_, expressions_);
  for (const Json& input : fields_.array_at(json, "inputs")) {
    const std::string* placeholder = try_value_name(input, fields_);
    if (placeholder == nullptr) {
      fields_.fail("has a constant as input, which is not supported");
    }
    const ir::ValueId value = reader.define(*placeholder);
    reader.graph_.inputs.push_back({*placeholder, value, false});
  }
  reader.read_nodes();
  fields_.set_place(place + ", graph '" + name + "'");
  const Json* single = fields_.try_at(json, "is_single_tensor_return");
  const bool is_single = single != nullptr && fields_.boolean(*single);
  int position = 0;
  for (const Json& output : fields_.array_at(json, "outputs")) {
    reader.graph_.outputs.push_back(
        {is_single ? kSingleOutput : "output_" + std::to_string(position++),
         reader.read_argument(output)});
  }
  fields_.set_place(place);
  return {name, std::make_shared<const ir::Graph>(std::move(reader.graph_))};
}

}  // namespace pp::ep
