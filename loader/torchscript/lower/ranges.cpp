#include "loader/torchscript/lower/ranges.h"

#include <limits>
#include <string_view>

#include "loader/torchscript/lower/leaves.h"
#include "loader/torchscript/lower/nodes.h"
#include "loader/torchscript/lower/number_functions.h"

namespace pp::ts {

namespace {

bool are_integers(const NodeCall& call) {
  for (const Item& input : call.inputs) {
    if (try_leaf_kind(call.lowering, input) != ir::TypeKind::Int) {
      return false;
    }
  }
  return true;
}

bool are_known(const Items& numbers) {
  for (const Item& number : numbers) {
    if (!try_int(number)) {
      return false;
    }
  }
  return true;
}

/// Applies a function on numbers: at once if both operands are known.
Item compute(
    const NodeCall& call,
    std::string_view target,
    const Item& left,
    const Item& right) {
  const auto a = try_int(left);
  const auto b = try_int(right);
  if (a && b) {
    if (const auto result = try_compute(target, *a, *b)) {
      return constant_item(*result);
    }
  }
  return {add_number_function(
      call.lowering, target, {left, right}, ir::TypeKind::Int)};
}

}  // namespace

std::optional<Items> lower_range_length(const NodeCall& call) {
  if (are_known(call.inputs) || !are_integers(call)) {
    return std::nullopt;
  }
  const auto step = try_int(call.inputs.at(2));
  if (!step || *step == 0 || *step == std::numeric_limits<int64_t>::min()) {
    refuse(
        call,
        "the step of the range must be a number other than 0 that is known "
        "before the model runs");
  }
  // The length is the distance of the ends divided by the step, rounded up.
  const bool ascends = *step > 0;
  const int64_t size = ascends ? *step : -*step;
  const Item& low = call.inputs[ascends ? 0 : 1];
  const Item& high = call.inputs[ascends ? 1 : 0];
  Item length =
      try_int(low) == 0 ? high : compute(call, "_operator.sub", high, low);
  if (size > 1) {
    length = compute(call, "_operator.add", length, constant_item(size - 1));
    length = compute(call, "_operator.floordiv", length, constant_item(size));
  }
  return Items{
      compute(call, "torch.sym_max", constant_item(int64_t{0}), length)};
}

std::optional<Items> lower_range_item(const NodeCall& call) {
  if (are_known(call.inputs) || !are_integers(call)) {
    return std::nullopt;
  }
  const Item& position = call.inputs.at(0);
  const Item& start = call.inputs.at(1);
  const Item& step = call.inputs.at(2);
  const Item offset = try_int(step) == 1
                          ? position
                          : compute(call, "_operator.mul", position, step);
  return Items{
      try_int(start) == 0 ? offset
                          : compute(call, "_operator.add", start, offset)};
}

}  // namespace pp::ts
