#include "loader/effects/operator_table.h"

#include <algorithm>
#include <array>

namespace pp {

namespace {

// Python functions that torch.export leaves in graphs, all on numbers but for
// getitem, and the marker that `pipe_split()` leaves.
constexpr std::array kBuiltins{
    Builtin{"_operator.add"},
    Builtin{"_operator.and_"},
    Builtin{"_operator.eq"},
    Builtin{"_operator.floordiv"},
    Builtin{"_operator.ge"},
    Builtin{"_operator.gt"},
    Builtin{"_operator.le"},
    Builtin{"_operator.lshift"},
    Builtin{"_operator.lt"},
    Builtin{"_operator.mod"},
    Builtin{"_operator.mul"},
    Builtin{"_operator.ne"},
    Builtin{"_operator.neg"},
    Builtin{"_operator.not_"},
    Builtin{"_operator.or_"},
    Builtin{"_operator.pos"},
    Builtin{"_operator.pow"},
    Builtin{"_operator.rshift"},
    Builtin{"_operator.sub"},
    Builtin{"_operator.truediv"},
    Builtin{"getitem", true},
    Builtin{"math.ceil"},
    Builtin{"math.floor"},
    Builtin{"math.trunc"},
    Builtin{"pippy._pipe_split.default"},
    Builtin{"torch.sym_float"},
    Builtin{"torch.sym_int"},
    Builtin{"torch.sym_ite"},
    Builtin{"torch.sym_max"},
    Builtin{"torch.sym_min"},
    Builtin{"torch.sym_not"},
    Builtin{"torch.sym_sqrt"},
    Builtin{"torch._sym_sqrt"},
    // A function of a Python library, which the runtime implements.
    Builtin{"transformers.grouped_mm_fallback.default"},
};

constexpr std::array<std::string_view, 4> kControlFlow{
    "higher_order.cond",
    "higher_order.while_loop",
    "prim::If",
    "prim::Loop",
};

constexpr std::array<std::string_view, 22> kMayReturnInput{
    "aten::alpha_dropout",
    "aten::atleast_1d",
    "aten::atleast_2d",
    "aten::atleast_3d",
    "aten::broadcast_tensors",
    "aten::cartesian_prod",
    "aten::conj_physical",
    "aten::contiguous",
    "aten::dropout",
    "aten::einsum",
    "aten::feature_alpha_dropout",
    "aten::feature_dropout",
    "aten::flatten",
    "aten::meshgrid",
    "aten::native_dropout",
    "aten::ravel",
    "aten::reshape",
    "aten::reshape_as",
    "aten::sum_to_size",
    "aten::to",
    "aten::to_dense",
    "aten::type_as",
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
