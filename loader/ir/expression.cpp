#include "loader/ir/expression.h"

#include <algorithm>
#include <cmath>

#include "loader/core/checked_math.h"
#include "loader/core/error.h"
#include "loader/ir/expression_node.h"

namespace pp::ir {

namespace {

using Op = ExpressionOp;
using Term = Expression::Term;

/// A whole number, or a double where Python would have a float.
struct Number {
  int64_t whole = 0;
  double real = 0;
  bool is_real = false;

  double as_real() const { return is_real ? real : static_cast<double>(whole); }
  bool is_true() const { return is_real ? real != 0 : whole != 0; }
};

using Result = std::optional<Number>;

Number whole(int64_t value) {
  return {value, 0, false};
}
Number real(double value) {
  return {0, value, true};
}

/// Evaluates one expression. Messages quote `text`.
class Evaluation {
 public:
  Evaluation(const std::string& text, const Expression::Lookup& lookup)
      : text_(text), lookup_(lookup) {}

  Result of(const Term& node) const {
    if (const auto* number = std::get_if<int64_t>(&node.leaf)) {
      return whole(*number);
    }
    if (const auto* number = std::get_if<double>(&node.leaf)) {
      return real(*number);
    }
    if (const auto* name = std::get_if<std::string>(&node.leaf)) {
      const auto value = lookup_(*name);
      return value ? Result(whole(*value)) : std::nullopt;
    }
    switch (node.op) {
      case Op::And:
      case Op::Or:
        return connective(node);
      case Op::BitAnd:
        return bit_and(node);
      case Op::Where:
        return choice(node);
      default:
        return strict(node);
    }
  }

  /// value  must be a whole number
  int64_t whole_of(double value) const {
    constexpr double kLimit = 9.2e18;
    if (!(std::abs(value) < kLimit)) {
      fail("a number does not fit in 64 bits");
    }
    return static_cast<int64_t>(value);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw input_error("'" + text_ + "': " + what);
  }

  /// One operand may decide the result, even if others are unknown.
  Result connective(const Term& node) const {
    const bool decides = node.op == Op::Or;
    bool all_known = true;
    for (const auto& operand : node.operands) {
      const Result value = of(*operand);
      if (value && value->is_true() == decides) {
        return whole(decides ? 1 : 0);
      }
      all_known = all_known && value;
    }
    return all_known ? Result(whole(decides ? 0 : 1)) : std::nullopt;
  }

  /// A zero makes the result 0, even if the other operand is unknown.
  Result bit_and(const Term& node) const {
    for (const auto& operand : node.operands) {
      const Result value = of(*operand);
      if (value && !value->is_true()) {
        return whole(0);
      }
    }
    return strict(node);
  }

  Result choice(const Term& node) const {
    const Result condition = of(*node.operands[0]);
    return condition ? of(*node.operands[condition->is_true() ? 1 : 2])
                     : std::nullopt;
  }

  Result strict(const Term& node) const {
    Result out;
    for (const auto& operand : node.operands) {
      const Result value = of(*operand);
      if (!value) {
        return std::nullopt;
      }
      out = out ? binary(node.op, *out, *value) : *value;
    }
    return out && node.operands.size() == 1 ? unary(node.op, *out) : out;
  }

  Number rounded(double value) const { return whole(whole_of(value)); }

  Number unary(Op op, const Number& a) const {
    switch (op) {
      case Op::Negate:
        return a.is_real ? real(-a.real) : binary(Op::Subtract, whole(0), a);
      case Op::Abs:
        return a.as_real() < 0 ? unary(Op::Negate, a) : a;
      case Op::Not:
        return whole(a.is_true() ? 0 : 1);
      case Op::Floor:
        return a.is_real ? rounded(std::floor(a.real)) : a;
      case Op::Ceiling:
        return a.is_real ? rounded(std::ceil(a.real)) : a;
      case Op::Truncate:
        return a.is_real ? rounded(std::trunc(a.real)) : a;
      case Op::Round:
        return a.is_real ? rounded(std::nearbyint(a.real)) : a;
      case Op::Sqrt:
        return real(std::sqrt(a.as_real()));
      case Op::ToFloat:
        return real(a.as_real());
      default:
        return a;  // the Max or Min of one operand
    }
  }

  Number binary(Op op, const Number& a, const Number& b) const {
    switch (op) {
      case Op::Equal:
        return whole(compare(a, b) == 0 ? 1 : 0);
      case Op::NotEqual:
        return whole(compare(a, b) != 0 ? 1 : 0);
      case Op::Less:
        return whole(compare(a, b) < 0 ? 1 : 0);
      case Op::LessEqual:
        return whole(compare(a, b) <= 0 ? 1 : 0);
      case Op::Greater:
        return whole(compare(a, b) > 0 ? 1 : 0);
      case Op::GreaterEqual:
        return whole(compare(a, b) >= 0 ? 1 : 0);
      case Op::Max:
        return compare(a, b) >= 0 ? a : b;
      case Op::Min:
        return compare(a, b) <= 0 ? a : b;
      case Op::Divide:
        return quotient(a, b);
      default:
        return a.is_real || b.is_real ? real_arithmetic(op, a, b)
                                      : whole_arithmetic(op, a.whole, b.whole);
    }
  }

  static int compare(const Number& a, const Number& b) {
    if (a.is_real || b.is_real) {
      return a.as_real() < b.as_real() ? -1 : a.as_real() > b.as_real() ? 1 : 0;
    }
    return a.whole < b.whole ? -1 : a.whole > b.whole ? 1 : 0;
  }

  Number quotient(const Number& a, const Number& b) const {
    if (b.as_real() == 0) {
      fail("division by zero");
    }
    return real(a.as_real() / b.as_real());
  }

  Number real_arithmetic(Op op, const Number& a, const Number& b) const {
    if (op >= Op::BitAnd && op <= Op::ShiftRight) {
      fail("a bitwise operation needs whole numbers");
    }
    const double x = a.as_real();
    const double y = b.as_real();
    switch (op) {
      case Op::Add:
        return real(x + y);
      case Op::Subtract:
        return real(x - y);
      case Op::Multiply:
        return real(x * y);
      case Op::Power:
        return real(std::pow(x, y));
      case Op::FloorDivide:
        return real(std::floor(quotient(a, b).real));
      default:
        return real(x - std::floor(quotient(a, b).real) * y);
    }
  }

  Number whole_arithmetic(Op op, int64_t a, int64_t b) const {
    switch (op) {
      case Op::Add:
        return in_range(try_add(a, b));
      case Op::Subtract:
        return in_range(try_subtract(a, b));
      case Op::Multiply:
        return in_range(try_multiply(a, b));
      case Op::Power:
        return b < 0 ? real(std::pow(a, b)) : in_range(try_power(a, b));
      case Op::BitAnd:
        return whole(a & b);
      case Op::BitOr:
        return whole(a | b);
      case Op::BitXor:
        return whole(a ^ b);
      case Op::ShiftLeft:
        return in_range(try_multiply(a, power_of_two(b)));
      case Op::ShiftRight:
        return in_range(try_floor_divide(a, power_of_two(b)));
      default:
        break;
    }
    if (b == 0) {
      fail("division by zero");
    }
    return in_range(
        op == Op::Modulo ? try_modulo(a, b) : try_floor_divide(a, b));
  }

  int64_t power_of_two(int64_t exponent) const {
    return exponent < 0 ? (fail("a shift is negative"), 0)
                        : in_range(try_power(2, exponent)).whole;
  }

  Number in_range(std::optional<int64_t> result) const {
    if (!result) {
      fail("a number does not fit in 64 bits");
    }
    return whole(*result);
  }

  const std::string& text_;
  const Expression::Lookup& lookup_;
};

void collect_leaves(const Term& node, std::vector<std::string>& out) {
  if (const auto* name = std::get_if<std::string>(&node.leaf)) {
    if (std::ranges::find(out, *name) == out.end()) {
      out.push_back(*name);
    }
  }
  for (const auto& operand : node.operands) {
    collect_leaves(*operand, out);
  }
}

}  // namespace

std::optional<int64_t> Expression::value(const Lookup& lookup) const {
  const Evaluation evaluation(text_, lookup);
  const Result result = evaluation.of(*root_);
  if (!result) {
    return std::nullopt;
  }
  if (result->is_real && result->real != std::floor(result->real)) {
    throw input_error("'" + text_ + "' does not give a whole number");
  }
  return result->is_real ? evaluation.whole_of(result->real) : result->whole;
}

std::optional<bool> Expression::holds(const Lookup& lookup) const {
  const Result result = Evaluation(text_, lookup).of(*root_);
  return result ? std::optional(result->is_true()) : std::nullopt;
}

std::vector<std::string> Expression::leaves() const {
  std::vector<std::string> out;
  collect_leaves(*root_, out);
  return out;
}

}  // namespace pp::ir
