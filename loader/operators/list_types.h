#pragma once

#include <ATen/core/jit_type.h>

#include "loader/ir/graph.h"

namespace pp {

/// The TorchScript type of the items of a list argument.
inline c10::TypePtr item_type(ir::ListKind kind) {
  switch (kind) {
    case ir::ListKind::Tensors:
      return c10::TensorType::get();
    case ir::ListKind::OptionalTensors:
      return c10::OptionalType::ofTensor();
    case ir::ListKind::Floats:
      return c10::FloatType::get();
    case ir::ListKind::Bools:
      return c10::BoolType::get();
    case ir::ListKind::Strings:
      return c10::StringType::get();
    case ir::ListKind::Ints:
    case ir::ListKind::Lists:
      break;
  }
  return c10::IntType::get();
}

}  // namespace pp
