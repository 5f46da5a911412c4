#include "splitter/cut/modules.h"

#include <algorithm>

namespace pp {

namespace {

void extend(
    std::map<std::string, ModuleSpan>& spans,
    std::string_view fqn,
    int position) {
  auto [found, added] =
      spans.try_emplace(std::string(fqn), ModuleSpan{position, position, {}});
  if (!added) {
    found->second.last = position;
  }
}

bool names_a_module(const ir::ModuleFrame& frame) {
  // The exporter writes this prefix for a node that ran in no module.
  return !frame.fqn.empty() && !frame.fqn.starts_with("_empty_nn_module_stack");
}

bool any_node_in(
    const ir::Arg& arg, const std::function<bool(const ir::Node&)>& matches) {
  if (const auto* list = std::get_if<ir::List>(&arg.value)) {
    return std::ranges::any_of(list->items, [&](const ir::Arg& item) {
      return any_node_in(item, matches);
    });
  }
  const auto* block = std::get_if<ir::SubGraph>(&arg.value);
  return block != nullptr &&
         std::ranges::any_of(block->graph->nodes, [&](const ir::Node& node) {
           return matches(node) || any_node_inside(node, matches);
         });
}

}  // namespace

bool any_node_inside(
    const ir::Node& node, const std::function<bool(const ir::Node&)>& matches) {
  return std::ranges::any_of(node.inputs, [&](const ir::NamedArg& input) {
    return any_node_in(input.arg, matches);
  });
}

std::vector<std::string> module_chain(const ir::Node& node) {
  std::vector<std::string> out;
  for (const ir::ModuleFrame& frame : node.modules) {
    if (names_a_module(frame)) {
      out.push_back(frame.fqn);
    }
  }
  return out;
}

std::map<std::string, ModuleSpan> module_spans(const ir::Graph& graph) {
  std::map<std::string, ModuleSpan> spans;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const ir::ModuleFrame& frame : graph.nodes[i].modules) {
      if (!names_a_module(frame)) {
        continue;
      }
      const std::string_view fqn = frame.fqn;
      for (size_t dot = fqn.find('.'); dot != std::string_view::npos;
           dot = fqn.find('.', dot + 1)) {
        extend(spans, fqn.substr(0, dot), static_cast<int>(i));
      }
      extend(spans, fqn, static_cast<int>(i));
      spans.find(frame.fqn)->second.type = frame.type;
    }
  }
  return spans;
}

int position_of(const ModuleSpan& span, SplitSide side) {
  return side == SplitSide::Beginning ? span.first : span.last + 1;
}

}  // namespace pp
