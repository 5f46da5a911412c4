#include "loader/torchscript/lower/number_hints.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "loader/core/checked_math.h"
#include "loader/torchscript/lower/number_functions.h"

namespace pp::ts {

namespace {

using MaybeNumber = std::optional<c10::IValue>;

template <typename Number>
std::optional<bool> try_compare(std::string_view target, Number a, Number b) {
  return target == "_operator.lt"   ? std::optional(a < b)
         : target == "_operator.le" ? std::optional(a <= b)
         : target == "_operator.gt" ? std::optional(a > b)
         : target == "_operator.ge" ? std::optional(a >= b)
         : target == "_operator.eq" ? std::optional(a == b)
         : target == "_operator.ne" ? std::optional(a != b)
                                    : std::nullopt;
}

struct FloatRow {
  std::string_view target;
  double (*function)(double, double);
};

// Functions of two floats. The divisor is not zero.
constexpr std::array kFloatTable = {
    FloatRow{"_operator.add", [](double a, double b) { return a + b; }},
    FloatRow{"_operator.sub", [](double a, double b) { return a - b; }},
    FloatRow{"_operator.mul", [](double a, double b) { return a * b; }},
    FloatRow{"_operator.truediv", [](double a, double b) { return a / b; }},
    FloatRow{
        "_operator.floordiv",
        [](double a, double b) { return std::floor(a / b); }},
    FloatRow{
        "_operator.mod",
        [](double a, double b) { return a - std::floor(a / b) * b; }},
    FloatRow{
        "_operator.pow", [](double a, double b) { return std::pow(a, b); }},
    FloatRow{
        "torch.sym_max", [](double a, double b) { return std::max(a, b); }},
    FloatRow{
        "torch.sym_min", [](double a, double b) { return std::min(a, b); }},
};

struct WholeRow {
  std::string_view target;
  double (*function)(double);
};

constexpr std::array kWholeTable = {
    WholeRow{"math.ceil", [](double x) { return std::ceil(x); }},
    WholeRow{"math.floor", [](double x) { return std::floor(x); }},
    WholeRow{"torch.sym_int", [](double x) { return std::trunc(x); }},
    WholeRow{"round", [](double x) { return std::nearbyint(x); }},
};

bool divides(std::string_view target) {
  return target == "_operator.truediv" || target == "_operator.floordiv" ||
         target == "_operator.mod";
}

double as_float(const c10::IValue& number) {
  return number.isInt() ? static_cast<double>(number.toInt())
                        : number.toDouble();
}

/// NaN and infinity are errors in Python, or lead to one.
MaybeNumber finite(double number) {
  return std::isfinite(number) ? MaybeNumber(number) : std::nullopt;
}

MaybeNumber try_whole(double number) {
  constexpr double kFirstTooLarge = 0x1p63;
  return number >= -kFirstTooLarge && number < kFirstTooLarge
             ? MaybeNumber(static_cast<int64_t>(number))
             : std::nullopt;
}

MaybeNumber try_integers(std::string_view target, int64_t a, int64_t b) {
  if (const auto result = try_compare(target, a, b)) {
    return *result;
  }
  const auto number = target == "_operator.pow" && b >= 0
                          ? try_power(a, b)
                          : try_compute(target, a, b);
  return number ? MaybeNumber(*number) : std::nullopt;
}

MaybeNumber try_floats(std::string_view target, double a, double b) {
  if (const auto result = try_compare(target, a, b)) {
    return *result;
  }
  const auto* row = std::ranges::find(kFloatTable, target, &FloatRow::target);
  return row == kFloatTable.end() || (b == 0 && divides(target))
             ? std::nullopt
             : finite(row->function(a, b));
}

MaybeNumber try_bools(std::string_view target, bool a, bool b) {
  return target == "_operator.and_"  ? MaybeNumber(a && b)
         : target == "_operator.or_" ? MaybeNumber(a || b)
         : target == "_operator.xor" ? MaybeNumber(a != b)
                                     : std::nullopt;
}

MaybeNumber try_binary(
    std::string_view target, const c10::IValue& a, const c10::IValue& b) {
  if (a.isBool() && b.isBool()) {
    return try_bools(target, a.toBool(), b.toBool());
  }
  const bool numbers =
      (a.isInt() || a.isDouble()) && (b.isInt() || b.isDouble());
  if (!numbers) {
    return std::nullopt;
  }
  // A quotient and a power with a negative exponent are floats.
  const bool integers = a.isInt() && b.isInt() &&
                        target != "_operator.truediv" &&
                        !(target == "_operator.pow" && b.toInt() < 0);
  return integers ? try_integers(target, a.toInt(), b.toInt())
                  : try_floats(target, as_float(a), as_float(b));
}

MaybeNumber try_unary(std::string_view target, const c10::IValue& a) {
  if (a.isBool()) {
    return target == "_operator.not_" ? MaybeNumber(!a.toBool()) : std::nullopt;
  }
  if (!a.isInt() && !a.isDouble()) {
    return std::nullopt;
  }
  if (target == "torch.sym_float") {
    return as_float(a);
  }
  if (target == "torch.sym_sqrt") {
    return finite(std::sqrt(as_float(a)));
  }
  if (target == "_operator.neg") {
    return a.isInt() ? try_integers("_operator.sub", 0, a.toInt())
                     : MaybeNumber(-a.toDouble());
  }
  const auto* row = std::ranges::find(kWholeTable, target, &WholeRow::target);
  if (row == kWholeTable.end()) {
    return std::nullopt;
  }
  return a.isInt() ? MaybeNumber(a) : try_whole(row->function(a.toDouble()));
}

}  // namespace

std::optional<c10::IValue> try_number_hint(
    std::string_view target, const std::vector<c10::IValue>& arguments) {
  switch (arguments.size()) {
    case 1:
      return try_unary(target, arguments[0]);
    case 2:
      return try_binary(target, arguments[0], arguments[1]);
    default:
      return std::nullopt;
  }
}

}  // namespace pp::ts
