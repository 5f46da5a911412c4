#include "loader/ir/edit.h"

#include <algorithm>
#include <memory>

#include "loader/ir/walk.h"

namespace pp::ir {

namespace {

void replace_in(Arg& arg, const std::string& from, const std::string& to) {
  if (auto* device = std::get_if<Device>(&arg.value)) {
    if (device->type == from) {
      *device = {to, -1};
    }
  } else if (auto* list = std::get_if<List>(&arg.value)) {
    for (Arg& item : list->items) {
      replace_in(item, from, to);
    }
  } else if (auto* sub = std::get_if<SubGraph>(&arg.value)) {
    auto graph = std::make_shared<Graph>(*sub->graph);
    replace_device(*graph, from, to);
    sub->graph = std::move(graph);
  }
}

}  // namespace

void for_each_id(Node& node, const std::function<void(ValueId&)>& visit) {
  for (NamedArg& input : node.inputs) {
    for_each_ref(input.arg, visit);
  }
  for (NodeOutput& output : node.outputs) {
    std::ranges::for_each(output.ids, visit);
  }
  std::ranges::for_each(node.effects.writes, visit);
  for (auto& [output, input] : node.effects.aliases) {
    visit(output);
    visit(input);
  }
}

void for_each_id(Graph& graph, const std::function<void(ValueId&)>& visit) {
  for (Input& input : graph.inputs) {
    visit(input.value);
  }
  for (State& state : graph.states) {
    visit(state.value);
  }
  for (Node& node : graph.nodes) {
    for_each_id(node, visit);
  }
  for (Output& output : graph.outputs) {
    for_each_ref(output.value, visit);
  }
  for (Mutation& mutation : graph.mutations) {
    visit(mutation.value);
  }
}

void erase_value(Graph& graph, ValueId id) {
  graph.values.erase(graph.values.begin() + id);
  for_each_id(graph, [&](ValueId& each) { each -= each > id ? 1 : 0; });
}

void replace_device(
    Graph& graph, const std::string& from, const std::string& to) {
  for (Value& value : graph.values) {
    if (value.tensor && value.tensor->device.type == from) {
      value.tensor->device = {to, -1};
    }
  }
  for (Node& node : graph.nodes) {
    for (NamedArg& input : node.inputs) {
      replace_in(input.arg, from, to);
    }
  }
}

}  // namespace pp::ir
