#include "loader/torchscript/lower/conversions.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "loader/ir/operator_parts.h"
#include "loader/torchscript/lower/hints.h"
#include "loader/torchscript/lower/nodes.h"
#include "loader/torchscript/lower/types.h"

namespace pp::ts {

namespace {

/// The operators whose result is a tensor of bools.
constexpr std::array<std::string_view, 10> kComparisons = {
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "logical_not",
    "logical_and",
    "logical_or",
    "logical_xor"};

/// Whether the operator that returned the tensor is a comparison.
bool is_comparison_result(const ir::Graph& graph, ir::ValueId tensor) {
  const auto returns_it = [&](const ir::Node& node) {
    return std::ranges::any_of(node.outputs, [&](const ir::NodeOutput& output) {
      return std::ranges::find(output.ids, tensor) != output.ids.end();
    });
  };
  const auto maker = std::ranges::find_if(
      graph.nodes.rbegin(), graph.nodes.rend(), returns_it);
  if (maker == graph.nodes.rend()) {
    return false;
  }
  const ir::OperatorParts op = ir::operator_parts(maker->target);
  return op.library == "aten" &&
         std::ranges::find(kComparisons, op.name) != kComparisons.end();
}

/// Adds a node that reads the number in a tensor.
GraphValue add_read(Lowering& lowering, const Item& tensor) {
  return *add_operator(lowering, "aten::item", "", {tensor})
              .front()
              .as<GraphValue>();
}

GraphValue read_bool(Lowering& lowering, GraphValue tensor) {
  // The number read must be a bool, because TorchScript can't compare a number
  // of unknown type. The result of a comparison of tensors holds a bool
  // already.
  const Item item{tensor};
  const GraphValue number = add_read(
      lowering,
      is_comparison_result(lowering.graph, tensor.id)
          ? item
          : add_operator(
                lowering,
                "aten::ne",
                "Scalar",
                {item, constant_item(int64_t{0})})
                .front());
  lowering.value(number.id).type.kind = ir::TypeKind::Bool;
  return number;
}

/// The number in a tensor, converted to `wanted` unless any type will do.
GraphValue read_number(
    Lowering& lowering,
    GraphValue tensor,
    const std::optional<ir::TypeKind>& wanted) {
  if (wanted == ir::TypeKind::Bool) {
    return read_bool(lowering, tensor);
  }
  const GraphValue number = add_read(lowering, {tensor});
  if (!wanted) {
    return number;
  }
  if (*wanted == ir::TypeKind::Float) {
    return add_number_function(
        lowering, "torch.sym_float", {{number}}, *wanted);
  }
  lowering.value(number.id).type.kind = *wanted;
  return add_number_function(lowering, "torch.sym_int", {{number}}, *wanted);
}

/// The known number in a tensor, converted to `wanted` unless any type will do.
c10::IValue converted(
    const NodeCall& call,
    const c10::Scalar& number,
    const std::optional<ir::TypeKind>& wanted) {
  if (!wanted) {
    return number;
  }
  try {
    if (*wanted == ir::TypeKind::Float) {
      return number.to<double>();
    }
    if (*wanted == ir::TypeKind::Int) {
      return number.to<int64_t>();
    }
  } catch (const c10::Error&) {
    refuse(call, "the number in the tensor does not fit the requested type");
  }
  return number.isFloatingPoint() ? number.to<double>() != 0
         : number.isBoolean()     ? number.to<bool>()
                                  : number.to<int64_t>() != 0;
}

}  // namespace

std::optional<Items> lower_number_to_tensor(const NodeCall& call) {
  const Item& item = call.inputs.front();
  if (const auto* constant = item.as<Constant>()) {
    return Items{{NumberTensor{*constant}}};
  }
  if (const auto* value = item.as<GraphValue>()) {
    return Items{{NumberTensor{*value}}};
  }
  refuse(call, "it converts " + describe(item) + ", which is not a number");
}

std::optional<Items> lower_to_number(const NodeCall& call) {
  Lowering& lowering = call.lowering;
  const Item& item = call.inputs.front();
  const auto wanted = try_number_kind(call.node.output()->type());
  if (const auto* literal = item.as<Literal>()) {
    if (const auto number = try_literal_number(lowering, *literal)) {
      return Items{{Constant{converted(call, number->toScalar(), wanted)}}};
    }
  }
  if (const auto* tensor = item.as<NumberTensor>()) {
    // A NumberTensor holds an integer, see arithmetic.cpp.
    if (wanted && *wanted != ir::TypeKind::Int) {
      return std::nullopt;
    }
    return Items{number_in(*tensor)};
  }
  const auto* value = item.as<GraphValue>();
  if (value == nullptr) {
    return std::nullopt;
  }
  if (const auto rounded = lowering.rounded.find(value->id);
      rounded != lowering.rounded.end() && wanted == ir::TypeKind::Int) {
    return Items{{rounded->second}};
  }
  const ir::TypeKind kind = lowering.value(value->id).type.kind;
  if (kind != ir::TypeKind::Tensor) {
    // The type of a number that was read from a tensor may be unknown.
    const bool has_type =
        call.node.input(0)->type()->kind() != c10::TypeKind::NumberType;
    return wanted == kind && has_type ? std::optional(Items{item})
                                      : std::nullopt;
  }
  return Items{{read_number(lowering, *value, wanted)}};
}

}  // namespace pp::ts
