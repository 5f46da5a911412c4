// Arithmetic on sizes, folded where it can be.
#include "loader/formats/torchscript_numbers.h"

#include <algorithm>
#include <array>

#include <ATen/ops/scalar_tensor.h>
#include <torch/csrc/jit/runtime/operator.h>

#include "loader/core/error.h"
#include "loader/formats/torchscript_lower.h"

namespace pp::ts {

namespace {

struct NumberRow {
  std::string_view operator_name;
  std::string_view target;
};

constexpr std::array kNumberRows = {
    NumberRow{"aten::add", "_operator.add"},
    NumberRow{"aten::sub", "_operator.sub"},
    NumberRow{"aten::mul", "_operator.mul"},
    NumberRow{"aten::div", "_operator.truediv"},
    // Of two rows with one target, the first is what is written.
    NumberRow{"aten::floordiv", "_operator.floordiv"},
    NumberRow{"aten::floor_divide", "_operator.floordiv"},
    NumberRow{"aten::remainder", "_operator.mod"},
    NumberRow{"aten::neg", "_operator.neg"},
    NumberRow{"aten::eq", "_operator.eq"},
    NumberRow{"aten::ne", "_operator.ne"},
    NumberRow{"aten::lt", "_operator.lt"},
    NumberRow{"aten::le", "_operator.le"},
    NumberRow{"aten::gt", "_operator.gt"},
    NumberRow{"aten::ge", "_operator.ge"},
    NumberRow{"aten::__and__", "_operator.and_"},
    NumberRow{"aten::__or__", "_operator.or_"},
    NumberRow{"aten::__not__", "_operator.not_"},
    NumberRow{"aten::Float", "torch.sym_float"},
    NumberRow{"aten::Int", "torch.sym_int"},
    NumberRow{"aten::ceil", "math.ceil"},
    NumberRow{"aten::floor", "math.floor"},
    NumberRow{"prim::max", "torch.sym_max"},
    NumberRow{"prim::min", "torch.sym_min"},
};

bool is_number(const Item& item) {
  if (const auto* fixed = item.as<Fixed>()) {
    return fixed->value.isInt() || fixed->value.isDouble() ||
           fixed->value.isBool();
  }
  return item.as<Made>() != nullptr;
}

std::optional<ir::TypeKind> number_kind(const c10::TypePtr& type) {
  switch (type->kind()) {
    case c10::TypeKind::IntType:
      return ir::TypeKind::Int;
    case c10::TypeKind::FloatType:
      return ir::TypeKind::Float;
    case c10::TypeKind::BoolType:
      return ir::TypeKind::Bool;
    default:
      return std::nullopt;
  }
}

bool is_one(const Item& item) {
  const auto* fixed = item.as<Fixed>();
  return fixed != nullptr && fixed->value.isInt() && fixed->value.toInt() == 1;
}

/// Whether the tensor is what a comparison gave: bools.
bool compares(const ir::Graph& graph, ir::ValueId tensor) {
  const auto maker = std::ranges::find_if(
      graph.nodes.rbegin(), graph.nodes.rend(), [&](const ir::Node& node) {
        return std::ranges::any_of(
            node.outputs, [&](const ir::NodeOutput& output) {
              return std::ranges::find(output.ids, tensor) != output.ids.end();
            });
      });
  if (maker == graph.nodes.rend()) {
    return false;
  }
  for (const std::string_view name :
       {"eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
        "logical_not",
        "logical_and",
        "logical_or",
        "logical_xor"}) {
    if (maker->target.starts_with("aten." + std::string(name) + ".")) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string_view number_target(std::string_view operator_name) {
  const auto* row =
      std::ranges::find(kNumberRows, operator_name, &NumberRow::operator_name);
  return row == kNumberRows.end() ? std::string_view() : row->target;
}

std::string_view number_operator(std::string_view target) {
  const auto* row = std::ranges::find(kNumberRows, target, &NumberRow::target);
  return row == kNumberRows.end() ? std::string_view() : row->operator_name;
}

std::optional<int64_t> try_compute(
    std::string_view target, int64_t a, int64_t b) {
  if (target == "_operator.add") {
    return a + b;
  }
  if (target == "_operator.sub") {
    return a - b;
  }
  if (target == "_operator.mul") {
    return a * b;
  }
  const bool floor = target == "_operator.floordiv";
  if ((!floor && target != "_operator.mod") || b == 0) {
    return std::nullopt;
  }
  const int64_t quotient = a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
  return floor ? quotient : a - quotient * b;
}

std::optional<Lowering::Items> Lowering::number_to_tensor(const Call& call) {
  const Item& item = call.inputs.front();
  if (const auto* fixed = item.as<Fixed>()) {
    return Items{{Number{*fixed}}};
  }
  if (const auto* made = item.as<Made>()) {
    return Items{{Number{*made}}};
  }
  refuse(call.node, "a number of " + describe(item));
}

std::optional<Lowering::Items> Lowering::to_number(const Call& call) {
  const Item& item = call.inputs.front();
  const auto wanted = number_kind(call.node.output()->type());
  if (const auto* literal = item.as<Literal>()) {
    if (const auto number = builder_.try_number(*literal)) {
      return Items{{Fixed{*number}}};
    }
  }
  if (const auto* number = item.as<Number>()) {
    // What it holds is an integer, see try_number_tensors.
    if (wanted && *wanted != ir::TypeKind::Int) {
      return std::nullopt;
    }
    return std::holds_alternative<Fixed>(number->number)
               ? Items{{std::get<Fixed>(number->number)}}
               : Items{{std::get<Made>(number->number)}};
  }
  const auto* made = item.as<Made>();
  if (made == nullptr) {
    return std::nullopt;
  }
  const ir::Value& value =
      builder_.graph().values[static_cast<size_t>(made->id)];
  if (value.type.kind != ir::TypeKind::Tensor) {
    const bool same = wanted && value.type.kind == *wanted;
    return same ? std::optional(Items{item}) : std::nullopt;
  }
  const auto read_from = [&](const Item& tensor) {
    return *builder_.call("aten::item", "", {tensor}).front().as<Made>();
  };
  if (wanted == ir::TypeKind::Bool) {
    // Compared as a tensor, so that the number read is a bool already: code
    // knows no comparison of a number of unknown type.
    const Made read = read_from(
        compares(builder_.graph(), made->id)
            ? item
            : builder_
                  .call(
                      "aten::ne",
                      "Scalar",
                      {item, {Fixed{c10::IValue(int64_t{0})}}})
                  .front());
    builder_.graph().values[static_cast<size_t>(read.id)].type.kind = *wanted;
    return Items{{read}};
  }
  // The tensor's number, whatever its type, then converted to the wanted one.
  const Made read = read_from(item);
  if (!wanted) {
    return Items{{read}};
  }
  if (*wanted == ir::TypeKind::Float) {
    return Items{{builder_.call_builtin("torch.sym_float", {{read}}, *wanted)}};
  }
  builder_.graph().values[static_cast<size_t>(read.id)].type.kind = *wanted;
  return Items{{builder_.call_builtin("torch.sym_int", {{read}}, *wanted)}};
}

std::optional<Lowering::Items> Lowering::try_fold(const Call& call) const {
  if (call.inputs.empty() || call.node.maybeOperator() == nullptr ||
      call.node.hasAttribute(c10::attr::Subgraph) ||
      !call.node.blocks().empty()) {
    return std::nullopt;
  }
  for (const torch::jit::Value* output : call.node.outputs()) {
    const auto kind = output->type()->kind();
    if (kind == c10::TypeKind::TensorType ||
        (kind == c10::TypeKind::ListType &&
         output->type()->containedType(0)->kind() ==
             c10::TypeKind::TensorType)) {
      return std::nullopt;
    }
  }
  torch::jit::Stack stack;
  for (const Item& input : call.inputs) {
    auto value = try_constant(input);
    if (!value) {
      return std::nullopt;
    }
    stack.push_back(std::move(*value));
  }
  try {
    call.node.getOperation()(stack);
  } catch (const std::exception& error) {
    refuse(call.node, error.what());
  }
  Items out;
  for (const c10::IValue& value : stack) {
    out.push_back(item_of(value));
  }
  return out;
}

std::optional<Lowering::Items> Lowering::try_numbers(const Call& call) {
  const std::string_view target =
      number_target(call.node.kind().toQualString());
  if (target.empty() || call.node.outputs().size() != 1) {
    return std::nullopt;
  }
  const c10::TypePtr& type = call.node.output()->type();
  if (type->kind() == c10::TypeKind::TensorType) {
    return try_number_tensors(call);
  }
  const auto kind = number_kind(type);
  const bool all_numbers =
      std::ranges::all_of(call.inputs, [&](const Item& item) {
        const auto* made = item.as<Made>();
        return is_number(item) &&
               (made == nullptr ||
                builder_.graph()
                        .values[static_cast<size_t>(made->id)]
                        .type.kind != ir::TypeKind::Tensor);
      });
  if (!kind || !all_numbers) {
    return std::nullopt;
  }
  return Items{{builder_.call_builtin(target, call.inputs, *kind)}};
}

/// Traces compute with sizes as tensors; whole numbers can stay numbers.
std::optional<Lowering::Items> Lowering::try_number_tensors(const Call& call) {
  static constexpr std::array<std::string_view, 5> kWhole = {
      "_operator.add",
      "_operator.sub",
      "_operator.mul",
      "_operator.floordiv",
      "_operator.mod"};
  const std::string_view target =
      number_target(call.node.kind().toQualString());
  const bool scaled = target == "_operator.add" || target == "_operator.sub";
  if (std::ranges::find(kWhole, target) == kWhole.end() ||
      call.inputs.size() < 2 ||
      (call.inputs.size() == 3 && !(scaled && is_one(call.inputs[2]))) ||
      call.inputs.size() > 3) {
    return std::nullopt;
  }
  bool any_number = false;
  Items operands;
  for (size_t i = 0; i < 2; ++i) {
    const Item& item = call.inputs[i];
    if (const auto* number = item.as<Number>()) {
      any_number = true;
      operands.push_back(
          std::holds_alternative<Fixed>(number->number)
              ? Item{std::get<Fixed>(number->number)}
              : Item{std::get<Made>(number->number)});
    } else if (const auto* literal = item.as<Literal>()) {
      const auto value = builder_.try_number(*literal);
      if (!value) {
        return std::nullopt;
      }
      operands.push_back({Fixed{*value}});
    } else if (item.as<Fixed>() != nullptr) {
      operands.push_back(item);
    } else {
      return std::nullopt;
    }
    const Item& operand = operands.back();
    const auto* fixed = operand.as<Fixed>();
    const auto* made = operand.as<Made>();
    const bool whole = fixed != nullptr
                           ? fixed->value.isInt()
                           : builder_.graph()
                                     .values[static_cast<size_t>(made->id)]
                                     .type.kind == ir::TypeKind::Int;
    if (!whole) {
      return std::nullopt;
    }
  }
  if (!any_number) {
    return std::nullopt;
  }
  const auto* left = operands[0].as<Fixed>();
  const auto* right = operands[1].as<Fixed>();
  if (left != nullptr && right != nullptr) {
    const auto value =
        try_compute(target, left->value.toInt(), right->value.toInt());
    return value ? std::optional(Items{{Number{Fixed{*value}}}}) : std::nullopt;
  }
  return Items{
      {Number{builder_.call_builtin(target, operands, ir::TypeKind::Int)}}};
}

}  // namespace pp::ts
