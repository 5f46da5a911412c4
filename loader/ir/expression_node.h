#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "loader/ir/expression.h"

namespace pp::ir {

/// The operation of an inner term on its operands.
enum class ExpressionOp {
  Add,
  Subtract,
  Multiply,
  Divide,       ///< true division: "/"
  FloorDivide,  ///< rounds towards minus infinity, as Python's "//"
  Modulo,       ///< has the divisor's sign, as Python's "%"
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
  Round,  ///< halves to even, as Python's round()
  Sqrt,
  ToFloat,
  Where,  ///< condition, value if it holds, value if not
};

struct Expression::Term {
  /// A number, or the text of a leaf; an inner node has neither.
  std::variant<std::monostate, int64_t, double, std::string> leaf;
  ExpressionOp op = ExpressionOp::Add;
  std::vector<std::shared_ptr<const Term>> operands;
};

/// The operation that a function of this name stands for; nullptr if there is
/// none.
struct ExpressionFunction {
  std::string_view name;
  ExpressionOp op;
  int min_operands;
  int max_operands;
};
const ExpressionFunction* try_find_function(std::string_view name);

}  // namespace pp::ir
