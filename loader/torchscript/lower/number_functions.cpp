#include "loader/torchscript/lower/number_functions.h"

#include <algorithm>
#include <array>

#include "loader/core/checked_math.h"

namespace pp::ts {

namespace {

struct NumberRow {
  std::string_view operator_name;
  std::string_view target;
};

constexpr std::array kNumberTable = {
    NumberRow{"aten::add", "_operator.add"},
    NumberRow{"aten::sub", "_operator.sub"},
    NumberRow{"aten::mul", "_operator.mul"},
    NumberRow{"aten::div", "_operator.truediv"},
    // If two rows have the same target, code is written with the first one.
    NumberRow{"aten::floordiv", "_operator.floordiv"},
    NumberRow{"aten::floor_divide", "_operator.floordiv"},
    NumberRow{"aten::remainder", "_operator.mod"},
    NumberRow{"aten::pow", "_operator.pow"},
    NumberRow{"aten::sqrt", "torch.sym_sqrt"},
    NumberRow{"aten::neg", "_operator.neg"},
    NumberRow{"aten::eq", "_operator.eq"},
    NumberRow{"aten::ne", "_operator.ne"},
    NumberRow{"aten::lt", "_operator.lt"},
    NumberRow{"aten::le", "_operator.le"},
    NumberRow{"aten::gt", "_operator.gt"},
    NumberRow{"aten::ge", "_operator.ge"},
    NumberRow{"aten::__and__", "_operator.and_"},
    NumberRow{"aten::__or__", "_operator.or_"},
    NumberRow{"aten::__xor__", "_operator.xor"},
    NumberRow{"aten::__lshift__", "_operator.lshift"},
    NumberRow{"aten::__rshift__", "_operator.rshift"},
    NumberRow{"aten::__not__", "_operator.not_"},
    NumberRow{"aten::Float", "torch.sym_float"},
    NumberRow{"aten::Int", "torch.sym_int"},
    NumberRow{"aten::ceil", "math.ceil"},
    NumberRow{"aten::floor", "math.floor"},
    NumberRow{"prim::max", "torch.sym_max"},
    NumberRow{"prim::min", "torch.sym_min"},
};

}  // namespace

std::string_view number_target(std::string_view operator_name) {
  const auto* row =
      std::ranges::find(kNumberTable, operator_name, &NumberRow::operator_name);
  return row == kNumberTable.end() ? std::string_view() : row->target;
}

std::string_view number_operator(std::string_view target) {
  const auto* row = std::ranges::find(kNumberTable, target, &NumberRow::target);
  return row == kNumberTable.end() ? std::string_view() : row->operator_name;
}

std::optional<int64_t> try_compute(
    std::string_view target, int64_t a, int64_t b) {
  if (target == "_operator.add") {
    return try_add(a, b);
  }
  if (target == "_operator.sub") {
    return try_subtract(a, b);
  }
  if (target == "_operator.mul") {
    return try_multiply(a, b);
  }
  if (target == "_operator.floordiv") {
    return try_floor_divide(a, b);
  }
  if (target == "torch.sym_max") {
    return std::max(a, b);
  }
  if (target == "torch.sym_min") {
    return std::min(a, b);
  }
  return target == "_operator.mod" ? try_modulo(a, b) : std::nullopt;
}

}  // namespace pp::ts
