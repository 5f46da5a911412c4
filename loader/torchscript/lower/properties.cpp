#include "loader/torchscript/lower/properties.h"

#include "loader/torchscript/lower/hints.h"
#include "loader/torchscript/lower/nodes.h"

namespace pp::ts {

namespace {

/// The meta tensor of the node's first input; nullopt if that input isn't a
/// tensor or nothing is known about it.
std::optional<at::Tensor> try_operand_hint(const NodeCall& call) {
  const auto* value = call.inputs.at(0).as<GraphValue>();
  return value == nullptr ? std::nullopt
                          : try_tensor_hint(call.lowering, value->id);
}

Items literal_size(const NodeCall& call, const Literal& literal) {
  if (call.inputs.size() == 1) {
    return {item_of(
        c10::IValue(literal.tensor.sizes().vec()), call.lowering.steps)};
  }
  const auto dim = try_int(call.inputs.at(1));
  if (!dim) {
    refuse(call, "the dimension is not known before the model runs");
  }
  return {constant_item(literal.tensor.size(*dim))};
}

}  // namespace

std::optional<Items> lower_size(const NodeCall& call) {
  const Item& item = call.inputs.at(0);
  if (const auto* literal = item.as<Literal>()) {
    return literal_size(call, *literal);
  }
  const auto* value = item.as<GraphValue>();
  if (value == nullptr) {
    refuse(
        call,
        "it reads the sizes of " + describe(item) + ", which is not supported");
  }
  if (call.inputs.size() == 1) {
    return Items{{TensorSizes{value->id}}};
  }
  const auto dim = try_int(call.inputs.at(1));
  if (!dim) {
    refuse(call, "the dimension is not known before the model runs");
  }
  return Items{{add_size(call.lowering, value->id, *dim)}};
}

std::optional<Items> lower_length(const NodeCall& call) {
  const Item& whole = call.inputs.at(0);
  if (const auto* list = whole.as<std::shared_ptr<Container>>()) {
    return (*list)->open_node ? Items{{ListLength{*list}}}
                              : Items{constant_item(static_cast<int64_t>(
                                    (*list)->items.size()))};
  }
  if (const auto* sizes = whole.as<TensorSizes>()) {
    if (const auto hint = try_tensor_hint(call.lowering, sizes->tensor)) {
      return Items{constant_item(hint->dim())};
    }
  }
  const auto* value = whole.as<GraphValue>();
  if (value != nullptr &&
      call.lowering.value(value->id).type.kind == ir::TypeKind::Tensor) {
    return Items{{add_size(call.lowering, value->id, 0)}};
  }
  return std::nullopt;
}

std::optional<Items> lower_num_dims(const NodeCall& call) {
  const auto hint = try_operand_hint(call);
  if (!hint) {
    return std::nullopt;
  }
  return Items{constant_item(hint->dim())};
}

std::optional<Items> lower_element_type(const NodeCall& call) {
  const auto hint = try_operand_hint(call);
  if (!hint) {
    refuse(call, "the element type is not known before the model runs");
  }
  return Items{constant_item(static_cast<int64_t>(hint->scalar_type()))};
}

std::optional<Items> lower_is_floating_point(const NodeCall& call) {
  const auto hint = try_operand_hint(call);
  return hint ? std::optional(Items{constant_item(hint->is_floating_point())})
              : std::nullopt;
}

std::optional<Items> lower_requires_grad(const NodeCall& call) {
  const auto* value = call.inputs.at(0).as<GraphValue>();
  if (value == nullptr) {
    return std::nullopt;
  }
  if (call.lowering.without_grad.contains(value->id)) {
    return Items{constant_item(false)};
  }
  const auto& meta = call.lowering.value(value->id).tensor;
  if (!meta || !meta->known) {
    return std::nullopt;
  }
  return Items{constant_item(meta->requires_grad)};
}

std::optional<Items> lower_no_special_layout(const NodeCall&) {
  return Items{constant_item(false)};
}

std::optional<Items> lower_is_quantised(const NodeCall& call) {
  if (call.lowering.has_quantised) {
    refuse(
        call,
        "the model quantises tensors, so whether this one is quantised is not "
        "known before the model runs");
  }
  return Items{constant_item(false)};
}

std::optional<Items> lower_device(const NodeCall&) {
  return Items{constant_item(c10::Device(at::kCPU))};
}

}  // namespace pp::ts
