#include "splitter/inspect/module_tree.h"

#include <algorithm>
#include <set>

#include "splitter/cut/flops.h"
#include "splitter/cut/modules.h"
#include "splitter/cut/operators.h"

namespace pp {

namespace {

std::string short_type(const std::string& type) {
  return type.substr(type.rfind('.') + 1);
}

ModuleNode& child(ModuleNode& parent, const std::string& name) {
  const auto found =
      std::ranges::find(parent.children, name, &ModuleNode::name);
  if (found != parent.children.end()) {
    return *found;
  }
  ModuleNode& added = parent.children.emplace_back();
  added.name = name;
  added.fqn = parent.fqn.empty() ? name : parent.fqn + "." + name;
  return added;
}

/// Calls `visit` for the root and every module on the way to `fqn`, and adds
/// the modules that are missing.
template <typename Visit>
void walk_to(ModuleNode& root, const std::string& fqn, const Visit& visit) {
  ModuleNode* at = &root;
  visit(*at);
  for (size_t start = 0; start < fqn.size();) {
    const size_t dot = std::min(fqn.find('.', start), fqn.size());
    at = &child(*at, fqn.substr(start, dot - start));
    visit(*at);
    start = dot + 1;
  }
}

void add_node(const ir::Graph& graph, const ir::Node& node, ModuleNode& root) {
  const uint64_t work = flops(graph, node);
  std::set<std::string> visited;
  const auto count = [&](ModuleNode& module) {
    if (visited.insert(module.fqn).second) {
      module.flops += work;
      ++module.num_nodes;
    }
  };
  count(root);
  for (const std::string& fqn : module_chain(node)) {
    walk_to(root, fqn, count);
  }
}

void add_state(
    const ir::Graph& graph, const ir::State& state, ModuleNode& root) {
  const size_t dot = state.fqn.rfind('.');
  const std::string owner =
      dot == std::string::npos ? "" : state.fqn.substr(0, dot);
  const ir::Value& value = graph.values[state.value];
  const bool counts =
      state.kind == ir::StateKind::Parameter && value.tensor.has_value();
  if (state.kind == ir::StateKind::Constant) {
    return;  // the exporter chose its FQN, no module owns it
  }
  walk_to(root, owner, [&](ModuleNode& module) {
    if (counts) {
      module.num_parameters += num_elements(*value.tensor);
      module.parameter_bytes += num_bytes(value);
    }
  });
}

void add_types(
    ModuleNode& module, const std::map<std::string, ModuleSpan>& spans) {
  if (const auto span = spans.find(module.fqn); span != spans.end()) {
    module.type = short_type(span->second.type);
  }
  for (ModuleNode& each : module.children) {
    add_types(each, spans);
  }
}

}  // namespace

ModuleNode module_tree(const ir::Graph& graph) {
  ModuleNode root;
  for (const ir::Node& node : graph.nodes) {
    for (const ir::ModuleFrame& frame : node.modules) {
      if (frame.fqn.empty() && root.type.empty()) {
        root.type = short_type(frame.type);
      }
    }
    add_node(graph, node, root);
  }
  for (const ir::State& state : graph.states) {
    add_state(graph, state, root);
  }
  add_types(root, module_spans(graph));
  return root;
}

}  // namespace pp
