#include "runtime/program/builtins.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "loader/core/checked_math.h"
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

template <template <typename> typename Functor>
void by_functor(Stack& s) {
  binary(s, Functor<int64_t>(), Functor<double>());
}

using TryInteger = std::optional<int64_t> (*)(int64_t, int64_t);

/// An operation on integers whose result may not be one.
/// throws Error(Runtime)
template <TryInteger kTry>
int64_t checked(int64_t a, int64_t b) {
  const std::optional<int64_t> result = kTry(a, b);
  if (!result) {
    throw runtime_error(
        "arithmetic on the sizes " + std::to_string(a) + " and " +
        std::to_string(b) + " divides by zero or overflows 64 bits");
  }
  return *result;
}

template <TryInteger kTry, template <typename> typename Functor>
void by_checked(Stack& s) {
  binary(s, checked<kTry>, Functor<double>());
}

template <typename Function>
void to_integer(Stack& stack, Function function) {
  const IValue a = torch::jit::pop(stack);
  if (a.isDouble()) {
    const double whole = function(a.toDouble());
    constexpr double kFirstTooLarge = 0x1p63;
    if (!(whole >= -kFirstTooLarge && whole < kFirstTooLarge)) {
      throw runtime_error(
          "the number " + std::to_string(whole) + " is not a 64-bit integer");
    }
    stack.emplace_back(static_cast<int64_t>(whole));
  } else {
    stack.emplace_back(as_int(a));
  }
}

void floordiv(Stack& s) {
  binary(s, checked<try_floor_divide>, [](double a, double b) {
    return std::floor(a / b);
  });
}
void mod(Stack& s) {
  binary(s, checked<try_modulo>, [](double a, double b) {
    return a - std::floor(a / b) * b;
  });
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
    s.emplace_back(checked<try_power>(a.toInt(), b.toInt()));
  } else {
    s.emplace_back(std::pow(as_double(a), as_double(b)));
  }
}
void neg(Stack& s) {
  const IValue a = torch::jit::pop(s);
  if (a.isDouble()) {
    s.emplace_back(-a.toDouble());
  } else {
    s.emplace_back(checked<try_subtract>(0, as_int(a)));
  }
}
void pos(Stack&) {}  // the operand is the result
// A shift multiplies or divides a size by a power of two.
void lshift(Stack& s) {
  const int64_t factor = checked<try_power>(2, as_int(torch::jit::pop(s)));
  s.emplace_back(checked<try_multiply>(as_int(torch::jit::pop(s)), factor));
}
void rshift(Stack& s) {
  const int64_t factor = checked<try_power>(2, as_int(torch::jit::pop(s)));
  s.emplace_back(checked<try_floor_divide>(as_int(torch::jit::pop(s)), factor));
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
/// Python's &, | and ^ on two bools give a bool, else they work on bits.
template <template <typename> typename Functor>
void bitwise(Stack& s) {
  const IValue b = torch::jit::pop(s);
  const IValue a = torch::jit::pop(s);
  const int64_t result = Functor<int64_t>()(as_int(a), as_int(b));
  if (a.isBool() && b.isBool()) {
    s.emplace_back(result != 0);
  } else {
    s.emplace_back(result);
  }
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
    {"_operator.add", by_checked<try_add, std::plus>},
    {"_operator.sub", by_checked<try_subtract, std::minus>},
    {"_operator.mul", by_checked<try_multiply, std::multiplies>},
    {"_operator.floordiv", floordiv},
    {"_operator.mod", mod},
    {"_operator.truediv", truediv},
    {"_operator.pow", pow},
    {"_operator.neg", neg},
    {"_operator.pos", pos},
    {"_operator.lshift", lshift},
    {"_operator.rshift", rshift},
    {"_operator.eq", by_functor<std::equal_to>},
    {"_operator.ne", by_functor<std::not_equal_to>},
    {"_operator.lt", by_functor<std::less>},
    {"_operator.le", by_functor<std::less_equal>},
    {"_operator.gt", by_functor<std::greater>},
    {"_operator.ge", by_functor<std::greater_equal>},
    {"_operator.and_", bitwise<std::bit_and>},
    {"_operator.or_", bitwise<std::bit_or>},
    {"_operator.xor", bitwise<std::bit_xor>},
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
