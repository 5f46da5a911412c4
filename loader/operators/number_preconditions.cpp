#include <algorithm>
#include <limits>
#include <vector>

#include <ATen/ops/result_type.h>

#include "loader/core/checked_math.h"
#include "loader/core/index_text.h"
#include "loader/operators/named_arguments.h"
#include "loader/operators/precondition_checks.h"

namespace pp {

namespace {

using c10::IValue;

std::vector<int64_t> lengths_of(const IValue& value) {
  if (!value.isTensor()) {
    return value.toIntVector();
  }
  const at::Tensor lengths =
      value.toTensor().to(at::kCPU, at::kLong).contiguous();
  const auto* begin = lengths.const_data_ptr<int64_t>();
  return {begin, begin + lengths.numel()};
}

/// Looks for a quotient that doesn't fit its integer type, because the
/// processor traps on it. Integers of fewer than 32 bits never trap.
std::string quotient_fault(
    const at::Tensor& dividend, const at::Tensor& divisor, bool is_lcm) {
  const at::ScalarType type = at::result_type(dividend, divisor);
  if ((type != at::kLong && type != at::kInt) || !dividend.is_cpu() ||
      !divisor.is_cpu()) {
    return "";
  }
  const int64_t least = type == at::kLong ? std::numeric_limits<int64_t>::min()
                                          : std::numeric_limits<int32_t>::min();
  const at::Tensor is_least = dividend.to(type).eq(least);
  if (!is_least.any().item<bool>()) {
    return "";
  }
  // lcm divides by the gcd, which may be -1 even if `divisor` isn't.
  const at::Tensor other = divisor.to(type);
  const at::Tensor overflows = is_lcm ? other.ne(0) : other.eq(-1);
  return is_least.logical_and(overflows).any().item<bool>()
             ? "the result for " + std::to_string(least) +
                   " overflows its integer type"
             : "";
}

}  // namespace

std::string ctc_loss_fault(SchemaRef schema, ArgumentSpan values) {
  const NamedArguments arguments(schema, values);
  const int64_t num_classes = arguments.tensor("log_probs").size(-1);
  const at::Tensor given = arguments.tensor("targets");
  if (!given.is_cpu() || given.numel() == 0) {
    return "";
  }
  const at::Tensor targets = given.to(at::kLong).contiguous();
  const auto* data = targets.const_data_ptr<int64_t>();
  const int64_t width = targets.dim() == 2 ? targets.size(1) : targets.numel();
  const std::vector<int64_t> lengths =
      lengths_of(arguments.find("target_lengths"));
  for (int64_t i = 0; i < targets.numel(); ++i) {
    const auto row = static_cast<size_t>(i / width);
    // The rows of a matrix are padded to the same length.
    const bool is_padding =
        targets.dim() == 2 && row < lengths.size() && i % width >= lengths[row];
    if (!is_padding && (data[i] < 0 || data[i] >= num_classes)) {
      return index_text(
          "targets",
          {targets.sizes().data(), targets.sizes().size()},
          i,
          data[i],
          0,
          num_classes - 1);
    }
  }
  return "";
}

std::string division_fault(SchemaRef schema, ArgumentSpan values) {
  const NamedArguments arguments(schema, values);
  const IValue mode = arguments.find("rounding_mode");
  if (!mode.isString() || mode.toStringRef() != "trunc") {
    return "";
  }
  const IValue divisor = arguments.at(1);
  const at::Tensor dividend = arguments.at(0).toTensor();
  if (divisor.isTensor()) {
    return quotient_fault(dividend, divisor.toTensor(), false);
  }
  // Only an integer divisor leaves the result in the dividend's type.
  return divisor.isInt() && divisor.toInt() == -1
             ? quotient_fault(dividend, dividend.new_full({}, -1), false)
             : "";
}

std::string lcm_fault(SchemaRef schema, ArgumentSpan values) {
  const NamedArguments arguments(schema, values);
  const IValue a = arguments.at(0);
  const IValue b = arguments.at(1);
  return a.isTensor() && b.isTensor()
             ? quotient_fault(a.toTensor(), b.toTensor(), true)
             : "";
}

std::string integer_fault(SchemaRef schema, ArgumentSpan values) {
  const NamedArguments arguments(schema, values);
  const IValue a = arguments.at(0);
  const IValue b = arguments.at(1);
  if (!a.isInt() || !b.isInt()) {
    return "";
  }
  if (b.toInt() != 0 && try_floor_divide(a.toInt(), b.toInt())) {
    return "";
  }
  return "the quotient " + std::to_string(a.toInt()) + " / " +
         std::to_string(b.toInt()) +
         (b.toInt() == 0 ? " has a divisor of zero" : " overflows 64 bits");
}

std::string exponent_fault(SchemaRef schema, ArgumentSpan values) {
  const IValue n = NamedArguments(schema, values).find("n");
  return n.isInt() && n.toInt() == std::numeric_limits<int64_t>::min()
             ? "the exponent is too small"
             : "";
}

std::string lower_bound_fault(SchemaRef schema, ArgumentSpan values) {
  const IValue from = NamedArguments(schema, values).find("from");
  return from.isInt() && from.toInt() == std::numeric_limits<int64_t>::max()
             ? "no integer is greater than 'from'"
             : "";
}

std::string binomial_fault(SchemaRef schema, ArgumentSpan values) {
  const at::Tensor count = NamedArguments(schema, values).tensor("count");
  return count.is_cpu() && count.isnan().any().item<bool>()
             ? "'count' has a NaN"
             : "";
}

std::string integer_gcd_fault(SchemaRef schema, ArgumentSpan values) {
  const NamedArguments arguments(schema, values);
  const IValue a = arguments.at(0);
  const IValue b = arguments.at(1);
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  return a.isInt() && b.isInt() && std::min(a.toInt(), b.toInt()) == kLeast &&
                 std::max(a.toInt(), b.toInt()) == -1
             ? "the result for " + std::to_string(kLeast) +
                   " overflows its integer type"
             : "";
}

}  // namespace pp
