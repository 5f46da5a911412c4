#include "loader/torchscript/lower/new_tensors.h"

#include <utility>

#include "loader/torchscript/lower/list_access.h"
#include "loader/torchscript/lower/nodes.h"

namespace pp::ts {

namespace {

/// The element type that torch.tensor() gives a number.
at::ScalarType element_type_of(const NodeCall& call, const Item& number) {
  if (const auto* constant = number.as<Constant>()) {
    const c10::IValue& value = constant->value;
    if (value.isDouble() || value.isBool() || value.isInt()) {
      return value.isDouble() ? at::kFloat
             : value.isBool() ? at::kBool
                              : at::kLong;
    }
  } else if (const auto* value = number.as<GraphValue>()) {
    switch (call.lowering.value(value->id).type.kind) {
      case ir::TypeKind::Float:
        return at::kFloat;
      case ir::TypeKind::Bool:
        return at::kBool;
      case ir::TypeKind::Int:
        return at::kLong;
      default:
        break;
    }
  }
  refuse(
      call,
      "it makes a tensor of " + describe(number) +
          "; only numbers, bools and lists of them are supported");
}

Item make_tensor(const NodeCall& call, const Item& data) {
  if (const auto items = try_list_items(call, data, "makes a tensor of")) {
    if (items->empty()) {
      refuse(
          call, "it makes a tensor of an empty list, which is not supported");
    }
    Container rows{
        .kind = Container::Kind::List,
        .type = c10::ListType::ofTensors(),
        .items = {},
        .keys = {},
        .open_node = {},
        .block_depth = call.lowering.block_depth()};
    for (const Item& item : *items) {
      rows.items.push_back(make_tensor(call, item));
    }
    return add_operator(
               call.lowering,
               "aten::stack",
               "",
               {container_item(std::move(rows)), constant_item(int64_t{0})})
        .front();
  }
  const Item none = constant_item({});
  const Item dtype =
      call.inputs.at(1).is_none()
          ? constant_item(static_cast<int64_t>(element_type_of(call, data)))
          : call.inputs.at(1);
  return add_operator(
             call.lowering,
             "aten::scalar_tensor",
             "",
             {data, dtype, none, call.inputs.at(2), none})
      .front();
}

bool is_tensor(const NodeCall& call, const Item& item) {
  return item.as<Literal>() != nullptr || item.as<NumberTensor>() != nullptr ||
         (item.as<GraphValue>() != nullptr &&
          call.lowering.value(item.as<GraphValue>()->id).type.kind ==
              ir::TypeKind::Tensor);
}

}  // namespace

std::optional<Items> lower_new_tensor(const NodeCall& call) {
  const Item& data = call.inputs.at(0);
  if (is_tensor(call, data)) {
    const bool is_kept = call.node.kind() == c10::aten::as_tensor &&
                         call.inputs.at(1).is_none() &&
                         call.inputs.at(2).is_none();
    return is_kept ? std::optional(Items{data}) : std::nullopt;
  }
  if (call.inputs.size() > 3) {
    const auto requires_grad = try_constant(call.inputs[3]);
    if (!requires_grad || !requires_grad->isBool() || requires_grad->toBool()) {
      refuse(
          call,
          "it makes a tensor that may require a gradient, which is not "
          "supported");
    }
  }
  return Items{make_tensor(call, data)};
}

}  // namespace pp::ts
