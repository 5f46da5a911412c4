#include "splitter/modules.h"

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
  // What the exporter writes for a node that ran in no module.
  return !frame.fqn.empty() && !frame.fqn.starts_with("_empty_nn_module_stack");
}

}  // namespace

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
