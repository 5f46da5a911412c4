#include "loader/torchscript/lower/attributes.h"

#include <torch/csrc/jit/ir/constants.h>

#include "loader/core/error.h"
#include "loader/torchscript/lower/states.h"

namespace pp::ts {

namespace {

/// The value of an attribute that is no module and no state. The code can't
/// change it: the change would have to last until the next call.
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
      return Items{{*state}};
    }
  }
  return Items{constant_attribute(call, *instance->object, name)};
}

std::optional<Items> lower_set_attribute(const NodeCall& call) {
  refuse(
      call,
      "the model sets its attribute '" + call.node.s(c10::attr::name) +
          "' while it runs; write buffers in place instead");
}

}  // namespace pp::ts
