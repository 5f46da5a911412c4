#include "loader/effects/operator_table.h"

#include <algorithm>
#include <array>

namespace pp {

namespace {

// Python functions that torch.export leaves in graphs (on numbers, except for
// getitem), and the marker that `pipe_split()` leaves.
constexpr std::array kBuiltins{
    Builtin{"_operator.add", 2},
    Builtin{"_operator.and_", 2},
    Builtin{"_operator.eq", 2},
    Builtin{"_operator.floordiv", 2},
    Builtin{"_operator.ge", 2},
    Builtin{"_operator.gt", 2},
    Builtin{"_operator.le", 2},
    Builtin{"_operator.lshift", 2},
    Builtin{"_operator.lt", 2},
    Builtin{"_operator.mod", 2},
    Builtin{"_operator.mul", 2},
    Builtin{"_operator.ne", 2},
    Builtin{"_operator.neg", 1},
    Builtin{"_operator.not_", 1},
    Builtin{"_operator.or_", 2},
    Builtin{"_operator.pos", 1},
    Builtin{"_operator.pow", 2},
    Builtin{"_operator.rshift", 2},
    Builtin{"_operator.sub", 2},
    Builtin{"_operator.truediv", 2},
    Builtin{"_operator.xor", 2},
    Builtin{"builtins.round", 1},
    Builtin{"getitem", 2, true},
    Builtin{"math.ceil", 1},
    Builtin{"math.floor", 1},
    Builtin{"math.trunc", 1},
    Builtin{"pippy._pipe_split.default", 0},
    Builtin{"round", 1},
    Builtin{"torch.sym_float", 1},
    Builtin{"torch.sym_int", 1},
    Builtin{"torch.sym_ite", 3},
    Builtin{"torch.sym_max", 2},
    Builtin{"torch.sym_min", 2},
    Builtin{"torch.sym_not", 1},
    Builtin{"torch.sym_sqrt", 1},
    Builtin{"torch._sym_sqrt", 1},
    // A function of a Python library, which the runtime implements.
    Builtin{"transformers.grouped_mm_fallback.default", 3},
};

constexpr std::array<std::string_view, 4> kControlFlow{
    "higher_order.cond",
    "higher_order.while_loop",
    "prim::If",
    "prim::Loop",
};

// Operators that may return their input, although their schemas declare no
// alias.
constexpr std::array<std::string_view, 42> kMayReturnInput{
    "aten::_cast_Byte",
    "aten::_cast_Char",
    "aten::_cast_Double",
    "aten::_cast_Float",
    "aten::_cast_Half",
    "aten::_cast_Int",
    "aten::_cast_Long",
    "aten::_cast_Short",
    "aten::_reshape_from_tensor",
    "aten::_unsafe_view",
    "aten::alpha_dropout",
    "aten::atleast_1d",
    "aten::atleast_2d",
    "aten::atleast_3d",
    "aten::broadcast_tensors",
    "aten::cartesian_prod",
    "aten::chain_matmul",
    "aten::chalf",
    "aten::channel_shuffle",
    "aten::conj_physical",
    "aten::contiguous",
    "aten::dequantize",
    "aten::dropout",
    "aten::einsum",
    "aten::feature_alpha_dropout",
    "aten::feature_dropout",
    "aten::flatten",
    "aten::meshgrid",
    "aten::native_channel_shuffle",
    "aten::native_dropout",
    "aten::pixel_shuffle",
    "aten::pixel_unshuffle",
    "aten::ravel",
    "aten::reshape",
    "aten::reshape_as",
    "aten::sum_to_size",
    "aten::to",
    "aten::to_dense",
    "aten::type_as",
    "aten::unsafe_chunk",
    "aten::unsafe_split",
    "aten::unsafe_split_with_sizes",
};

}  // namespace

const Builtin* try_find_builtin(std::string_view target) {
  const auto* found = std::ranges::find(kBuiltins, target, &Builtin::target);
  return found == kBuiltins.end() ? nullptr : found;
}

bool is_control_flow(std::string_view target) {
  return std::ranges::find(kControlFlow, target) != kControlFlow.end();
}

bool may_return_its_input(std::string_view name) {
  return std::ranges::find(kMayReturnInput, name) != kMayReturnInput.end();
}

std::optional<Statistics> written_statistics(std::string_view name) {
  if (name == "aten::batch_norm" || name == "aten::native_batch_norm" ||
      name == "aten::_batch_norm_impl_index" ||
      name == "aten::cudnn_batch_norm" || name == "aten::miopen_batch_norm") {
    return Statistics{"training", {"running_mean", "running_var"}};
  }
  if (name == "aten::instance_norm") {
    return Statistics{"use_input_stats", {"running_mean", "running_var"}};
  }
  return std::nullopt;
}

}  // namespace pp
