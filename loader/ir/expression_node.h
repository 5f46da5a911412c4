#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "loader/ir/expression.h"

namespace pp::ir {

/// The operation that an inner term applies to its operands.
enum class ExpressionOp {
  Add,
  Subtract,
  Multiply,
  Divide,       ///< true division: "/"
  FloorDivide,  ///< rounds towards minus infinity, like Python's "//"
  Modulo,       ///< has the divisor's sign, like Python's "%"
  Power,
  Negate,
  Equal,
  NotEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  BitAnd,  ///< Python's "&", which is `and` for bools
  BitOr,
  BitXor,
  ShiftLeft,
  ShiftRight,
  And,
  Or,
  Not,
  Max,
  Min,
  Abs,
  Floor,
  Ceiling,
  Truncate,
  Round,  ///< rounds halves to even, like Python's round()
  Sqrt,
  ToFloat,
  /// Operands: a condition, the value if it is true, the value if it is false.
  Where,
};

struct Expression::Term {
  /// A number, or the text of a symbol or path; std::monostate for an inner
  /// term.
  std::variant<std::monostate, int64_t, double, std::string> leaf;
  ExpressionOp op = ExpressionOp::Add;
  std::vector<std::shared_ptr<const Term>> operands;
};

/// A function of the expression language, such as "Max", and the number of
/// operands that it accepts.
struct ExpressionFunction {
  std::string_view name;
  ExpressionOp op;
  int min_operands;
  int max_operands;
};
/// Finds a function by name; null if there is none.
const ExpressionFunction* try_find_function(std::string_view name);

}  // namespace pp::ir
