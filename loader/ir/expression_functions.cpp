#include <array>

#include "loader/ir/expression_node.h"

namespace pp::ir {

namespace {

using Op = ExpressionOp;

constexpr int kAnyNumber = 1000;

// The names that torch and sympy print (torch/utils/_sympy/functions.py).
constexpr std::array kFunctions{
    ExpressionFunction{"Max", Op::Max, 1, kAnyNumber},
    ExpressionFunction{"Min", Op::Min, 1, kAnyNumber},
    ExpressionFunction{"max", Op::Max, 1, kAnyNumber},
    ExpressionFunction{"min", Op::Min, 1, kAnyNumber},
    ExpressionFunction{"Mod", Op::Modulo, 2, 2},
    ExpressionFunction{"PythonMod", Op::Modulo, 2, 2},
    ExpressionFunction{"FloorDiv", Op::FloorDivide, 2, 2},
    ExpressionFunction{"CleanDiv", Op::FloorDivide, 2, 2},
    ExpressionFunction{"IntTrueDiv", Op::Divide, 2, 2},
    ExpressionFunction{"FloatTrueDiv", Op::Divide, 2, 2},
    ExpressionFunction{"PowByNatural", Op::Power, 2, 2},
    ExpressionFunction{"FloatPow", Op::Power, 2, 2},
    ExpressionFunction{"Abs", Op::Abs, 1, 1},
    ExpressionFunction{"abs", Op::Abs, 1, 1},
    ExpressionFunction{"Eq", Op::Equal, 2, 2},
    ExpressionFunction{"Ne", Op::NotEqual, 2, 2},
    ExpressionFunction{"And", Op::And, 1, kAnyNumber},
    ExpressionFunction{"Or", Op::Or, 1, kAnyNumber},
    ExpressionFunction{"Not", Op::Not, 1, 1},
    ExpressionFunction{"Where", Op::Where, 3, 3},
    ExpressionFunction{"BitwiseFn_bitwise_and", Op::BitAnd, 2, 2},
    ExpressionFunction{"BitwiseFn_bitwise_or", Op::BitOr, 2, 2},
    ExpressionFunction{"BitwiseFn_bitwise_xor", Op::BitXor, 2, 2},
    ExpressionFunction{"LShift", Op::ShiftLeft, 2, 2},
    ExpressionFunction{"RShift", Op::ShiftRight, 2, 2},
    ExpressionFunction{"torch.sym_max", Op::Max, 2, 2},
    ExpressionFunction{"torch.sym_min", Op::Min, 2, 2},
    ExpressionFunction{"torch.sym_float", Op::ToFloat, 1, 1},
    ExpressionFunction{"torch.sym_int", Op::Truncate, 1, 1},
    ExpressionFunction{"torch.sym_not", Op::Not, 1, 1},
    ExpressionFunction{"torch.sym_ite", Op::Where, 3, 3},
    ExpressionFunction{"torch.sym_sqrt", Op::Sqrt, 1, 1},
    ExpressionFunction{"torch._sym_sqrt", Op::Sqrt, 1, 1},
    ExpressionFunction{"round", Op::Round, 1, 1},
    ExpressionFunction{"RoundToInt", Op::Round, 1, 1},
    ExpressionFunction{"FloorToInt", Op::Floor, 1, 1},
    ExpressionFunction{"CeilToInt", Op::Ceiling, 1, 1},
    ExpressionFunction{"TruncToInt", Op::Truncate, 1, 1},
    ExpressionFunction{"ToFloat", Op::ToFloat, 1, 1},
    ExpressionFunction{"float", Op::ToFloat, 1, 1},
    ExpressionFunction{"int", Op::Truncate, 1, 1},
    ExpressionFunction{"floor", Op::Floor, 1, 1},
    ExpressionFunction{"ceiling", Op::Ceiling, 1, 1},
    ExpressionFunction{"sqrt", Op::Sqrt, 1, 1},
    ExpressionFunction{"math.floor", Op::Floor, 1, 1},
    ExpressionFunction{"math.ceil", Op::Ceiling, 1, 1},
    ExpressionFunction{"math.trunc", Op::Truncate, 1, 1},
    ExpressionFunction{"math.sqrt", Op::Sqrt, 1, 1},
    ExpressionFunction{"OpaqueUnaryFn_sqrt", Op::Sqrt, 1, 1},
};

}  // namespace

const ExpressionFunction* try_find_function(std::string_view name) {
  for (const ExpressionFunction& function : kFunctions) {
    if (function.name == name) {
      return &function;
    }
  }
  return nullptr;
}

}  // namespace pp::ir
