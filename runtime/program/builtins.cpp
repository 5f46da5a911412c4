#include "runtime/program/builtins.h"

#include <algorithm>
#include <cmath>

#include "loader/core/error.h"

namespace pp {

namespace {

using c10::IValue;
using torch::jit::Stack;

double as_double(const IValue& value) {
  if (value.isInt()) {
    return static_cast<double>(value.toInt());
  }
  return value.isBool() ? static_cast<double>(value.toBool())
                        : value.toDouble();
}

int64_t as_int(const IValue& value) {
  return value.isBool() ? static_cast<int64_t>(value.toBool()) : value.toInt();
}

bool as_bool(const IValue& value) {
  return value.isBool() ? value.toBool() : as_double(value) != 0;
}

/// Applies `integers` where both operands are integral, else `floats`.
template <typename Integers, typename Floats>
void binary(Stack& stack, Integers integers, Floats floats) {
  const IValue b = torch::jit::pop(stack);
  const IValue a = torch::jit::pop(stack);
  if (a.isDouble() || b.isDouble()) {
    stack.emplace_back(floats(as_double(a), as_double(b)));
  } else {
    stack.emplace_back(integers(as_int(a), as_int(b)));
  }
}

int64_t floor_divide(int64_t a, int64_t b) {
  if (b == 0) {
    throw runtime_error("division of a size by zero");
  }
  const int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

int64_t int_power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  for (int64_t i = 0; i < exponent; ++i) {
    result *= base;
  }
  return result;
}

template <typename Function>
void to_integer(Stack& stack, Function function) {
  const IValue a = torch::jit::pop(stack);
  if (a.isDouble()) {
    stack.emplace_back(static_cast<int64_t>(function(a.toDouble())));
  } else {
    stack.emplace_back(as_int(a));
  }
}

void add(Stack& s) {
  binary(s, std::plus<int64_t>(), std::plus<double>());
}
void sub(Stack& s) {
  binary(s, std::minus<int64_t>(), std::minus<double>());
}
void mul(Stack& s) {
  binary(s, std::multiplies<int64_t>(), std::multiplies<double>());
}
void floordiv(Stack& s) {
  binary(s, floor_divide, [](double a, double b) { return std::floor(a / b); });
}
void mod(Stack& s) {
  binary(
      s,
      [](int64_t a, int64_t b) { return a - floor_divide(a, b) * b; },
      [](double a, double b) { return a - std::floor(a / b) * b; });
}
void truediv(Stack& s) {
  const IValue b = torch::jit::pop(s);
  const IValue a = torch::jit::pop(s);
  s.emplace_back(as_double(a) / as_double(b));
}
void pow(Stack& s) {
  const IValue b = torch::jit::pop(s);
  const IValue a = torch::jit::pop(s);
  if (a.isInt() && b.isInt() && b.toInt() >= 0) {
    s.emplace_back(int_power(a.toInt(), b.toInt()));
  } else {
    s.emplace_back(std::pow(as_double(a), as_double(b)));
  }
}
void neg(Stack& s) {
  const IValue a = torch::jit::pop(s);
  if (a.isDouble()) {
    s.emplace_back(-a.toDouble());
  } else {
    s.emplace_back(-as_int(a));
  }
}
void pos(Stack&) {}  // the operand is the result
/// Shifts as products and quotients: a size times or over a power of two.
void lshift(Stack& s) {
  const int64_t count = as_int(torch::jit::pop(s));
  s.emplace_back(as_int(torch::jit::pop(s)) * int_power(2, count));
}
void rshift(Stack& s) {
  const int64_t count = as_int(torch::jit::pop(s));
  s.emplace_back(floor_divide(as_int(torch::jit::pop(s)), int_power(2, count)));
}
void sym_max(Stack& s) {
  binary(
      s,
      [](int64_t a, int64_t b) { return std::max(a, b); },
      [](double a, double b) { return std::max(a, b); });
}
void sym_min(Stack& s) {
  binary(
      s,
      [](int64_t a, int64_t b) { return std::min(a, b); },
      [](double a, double b) { return std::min(a, b); });
}
void eq(Stack& s) {
  binary(s, std::equal_to<int64_t>(), std::equal_to<double>());
}
void ne(Stack& s) {
  binary(s, std::not_equal_to<int64_t>(), std::not_equal_to<double>());
}
void lt(Stack& s) {
  binary(s, std::less<int64_t>(), std::less<double>());
}
void le(Stack& s) {
  binary(s, std::less_equal<int64_t>(), std::less_equal<double>());
}
void gt(Stack& s) {
  binary(s, std::greater<int64_t>(), std::greater<double>());
}
void ge(Stack& s) {
  binary(s, std::greater_equal<int64_t>(), std::greater_equal<double>());
}
void logical_and(Stack& s) {
  const bool b = as_bool(torch::jit::pop(s));
  const bool a = as_bool(torch::jit::pop(s));
  s.emplace_back(a && b);
}
void logical_or(Stack& s) {
  const bool b = as_bool(torch::jit::pop(s));
  const bool a = as_bool(torch::jit::pop(s));
  s.emplace_back(a || b);
}
void logical_not(Stack& s) {
  s.emplace_back(!as_bool(torch::jit::pop(s)));
}
void sym_float(Stack& s) {
  s.emplace_back(as_double(torch::jit::pop(s)));
}
void sym_sqrt(Stack& s) {
  s.emplace_back(std::sqrt(as_double(torch::jit::pop(s))));
}
void sym_ite(Stack& s) {
  IValue otherwise = torch::jit::pop(s);
  IValue then = torch::jit::pop(s);
  const bool condition = as_bool(torch::jit::pop(s));
  s.push_back(condition ? std::move(then) : std::move(otherwise));
}
void trunc(Stack& s) {
  to_integer(s, [](double x) { return std::trunc(x); });
}
void floor(Stack& s) {
  to_integer(s, [](double x) { return std::floor(x); });
}
void ceil(Stack& s) {
  to_integer(s, [](double x) { return std::ceil(x); });
}
void round(Stack& s) {
  to_integer(s, [](double x) { return std::nearbyint(x); });
}

struct BuiltinRow {
  std::string_view target;
  BuiltinFunction function;
};

constexpr BuiltinRow kBuiltins[] = {
    {"_operator.add", add},
    {"_operator.sub", sub},
    {"_operator.mul", mul},
    {"_operator.floordiv", floordiv},
    {"_operator.mod", mod},
    {"_operator.truediv", truediv},
    {"_operator.pow", pow},
    {"_operator.neg", neg},
    {"_operator.pos", pos},
    {"_operator.lshift", lshift},
    {"_operator.rshift", rshift},
    {"_operator.eq", eq},
    {"_operator.ne", ne},
    {"_operator.lt", lt},
    {"_operator.le", le},
    {"_operator.gt", gt},
    {"_operator.ge", ge},
    {"_operator.and_", logical_and},
    {"_operator.or_", logical_or},
    {"_operator.not_", logical_not},
    {"torch.sym_max", sym_max},
    {"torch.sym_min", sym_min},
    {"torch.sym_not", logical_not},
    {"torch.sym_float", sym_float},
    {"torch.sym_int", trunc},
    {"torch.sym_ite", sym_ite},
    {"torch._sym_sqrt", sym_sqrt},
    {"torch.sym_sqrt", sym_sqrt},
    {"math.trunc", trunc},
    {"math.floor", floor},
    {"math.ceil", ceil},
    {"builtins.round", round},
    {"round", round},
};

}  // namespace

BuiltinFunction builtin_function(std::string_view target) {
  const auto row = std::ranges::find(kBuiltins, target, &BuiltinRow::target);
  return row == std::end(kBuiltins) ? nullptr : row->function;
}

}  // namespace pp
