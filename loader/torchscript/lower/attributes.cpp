#include "loader/torchscript/lower/attributes.h"

#include <algorithm>
#include <ranges>

#include <torch/csrc/jit/ir/constants.h>

#include "loader/core/error.h"
#include "loader/ir/operator_parts.h"
#include "loader/ir/walk.h"
#include "loader/torchscript/lower/assigned_buffers.h"
#include "loader/torchscript/lower/states.h"

namespace pp::ts {

namespace {

/// The value of an attribute that is neither a module nor a state. Code must
/// not change it, because a graph can't keep the change for the next call.
Item constant_attribute(
    const NodeCall& call,
    const c10::ivalue::Object& object,
    const std::string& name) {
  auto& known = call.lowering.constant_attributes;
  const AttributeKey key{&object, name};
  if (const auto found = known.find(key); found != known.end()) {
    return found->second;
  }
  try {
    const Item item = item_of(object.getAttr(name), call.lowering.steps);
    fix_containers(
        item,
        "the list or dictionary in attribute '" + name +
            "', but a graph can't keep the change for the next call; use a "
            "buffer");
    return known.emplace(key, item).first->second;
  } catch (const Error& error) {
    refuse(call, "attribute '" + name + "': " + error.what());
  }
}

/// The node of an open block that defines a value; null if none does.
const ir::Node* try_find_definition(
    const Lowering& lowering, ir::ValueId value) {
  const auto find = [&](const std::vector<ir::Node>& nodes) {
    // The node is nearly always one of the last.
    auto last_first = nodes | std::views::reverse;
    const auto found =
        std::ranges::find_if(last_first, [&](const ir::Node& node) {
          return std::ranges::count(ir::defines_of(node), value) > 0;
        });
    return found == last_first.end() ? nullptr : &*found;
  };
  const ir::Node* found = find(lowering.graph.nodes);
  for (const OuterBlock& block : lowering.outer_blocks) {
    found = found != nullptr ? found : find(block.nodes);
  }
  return found;
}

/// Whether a value is the state itself, which operators such as aten::add_ may
/// have written and returned.
bool is_state(
    const Lowering& lowering, ir::ValueId value, const GraphValue& state) {
  while (value != state.id) {
    const ir::Node* node = try_find_definition(lowering, value);
    if (node == nullptr || node->inputs.empty() ||
        !ir::updates_in_place(ir::operator_parts(node->target).name)) {
      return false;
    }
    const auto* operand = std::get_if<ir::Ref>(&node->inputs.front().arg.value);
    if (operand == nullptr) {
      return false;
    }
    value = operand->id;
  }
  return true;
}

/// The tensor that a buffer's attribute holds at this point of the code.
GraphValue current_tensor(const Lowering& lowering, const GraphValue& state) {
  const auto found = lowering.assigned_buffers.find(state.id);
  return found == lowering.assigned_buffers.end() ? state : found->second;
}

}  // namespace

std::optional<Items> lower_constant(const NodeCall& call) {
  const torch::jit::Value* output = call.node.output();
  if (const auto type = output->type()->cast<c10::FunctionType>()) {
    return Items{{Callable{type->function()}}};
  }
  const auto value = torch::jit::toIValue(output);
  check(value.has_value(), "a constant has a value");
  try {
    return Items{item_of(*value, call.lowering.steps)};
  } catch (const Error& error) {
    refuse(call, error.what());
  }
}

std::optional<Items> lower_get_attribute(const NodeCall& call) {
  const std::string& name = call.node.s(c10::attr::name);
  const auto* instance = call.inputs.front().as<Instance>();
  if (instance == nullptr) {
    refuse(
        call,
        "it reads attribute '" + name +
            "', but only attributes of modules are supported");
  }
  const c10::IValue& value = instance->object->getAttr(name);
  if (value.isObject()) {
    const std::string prefix = instance->fqn.empty() ? "" : instance->fqn + ".";
    return Items{{Instance{value.toObject(), prefix + name}}};
  }
  if (value.isTensor()) {
    if (const auto state =
            try_find_state(call.lowering, *instance->object, name)) {
      return Items{{current_tensor(call.lowering, *state)}};
    }
  }
  return Items{constant_attribute(call, *instance->object, name)};
}

std::optional<Items> lower_set_attribute(const NodeCall& call) {
  const std::string& name = call.node.s(c10::attr::name);
  const auto* instance = call.inputs.at(0).as<Instance>();
  const auto* value = call.inputs.at(1).as<GraphValue>();
  if (instance != nullptr && value != nullptr) {
    const auto state = try_find_state(call.lowering, *instance->object, name);
    if (state) {
      const Lowering& lowering = call.lowering;
      if (is_state(lowering, value->id, current_tensor(lowering, *state))) {
        return Items{};  // `self.buffer += x`, which wrote it in place
      }
      const bool is_old = is_state(lowering, value->id, *state);
      assign_buffer(call, name, *state, is_old ? *state : *value);
      return Items{};
    }
  }
  refuse(
      call,
      "the model sets its attribute '" + name +
          "' while it runs; write buffers in place instead");
}

}  // namespace pp::ts
