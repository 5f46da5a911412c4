#include "loader/ir/edit.h"

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

void erase_value(Graph& graph, ValueId id) {
  const auto shift = [&](ValueId& each) { each -= each > id ? 1 : 0; };
  graph.values.erase(graph.values.begin() + id);
  for (Input& input : graph.inputs) {
    shift(input.value);
  }
  for (State& state : graph.states) {
    shift(state.value);
  }
  for (Node& node : graph.nodes) {
    for (NamedArg& input : node.inputs) {
      for_each_ref(input.arg, shift);
    }
    for (NodeOutput& output : node.outputs) {
      for (ValueId& each : output.ids) {
        shift(each);
      }
    }
    for (ValueId& each : node.effects.writes) {
      shift(each);
    }
    for (auto& [output, input] : node.effects.aliases) {
      shift(output);
      shift(input);
    }
  }
  for (Output& output : graph.outputs) {
    for_each_ref(output.value, shift);
  }
  for (Mutation& mutation : graph.mutations) {
    shift(mutation.value);
  }
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
