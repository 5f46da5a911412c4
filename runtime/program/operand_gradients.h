#pragma once

#include <vector>

#include <ATen/core/ivalue.h>

#include "runtime/program/autograd_node.h"

namespace pp {

/// Gives the operands of torch.cond and while_loop the gradients that they have
/// in Python: once the backward reaches such a node, every operand that
/// requires a gradient gets one, zeros if the block that ran gives none. So a
/// parameter that only the other branch reads decays and keeps its momentum.
///
/// TorchScript's blocks aren't nodes of the backward, so there such a parameter
/// has no gradient at all.
class OperandGradients {
 public:
  /// Replaces the operands that require a gradient by aliases of them, which
  /// the blocks have to read instead.
  explicit OperandGradients(std::vector<c10::IValue>& operands);

  /// Makes the results depend on all operands.
  void join(std::vector<c10::IValue>& results);

 private:
  std::vector<NodePointer> gates_;  ///< one per replaced operand
};

}  // namespace pp
