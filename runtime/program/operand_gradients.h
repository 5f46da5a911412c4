#pragma once

#include <vector>

#include <ATen/core/ivalue.h>

#include "runtime/program/autograd_node.h"

namespace pp {

/// Gives the operands of torch.cond and while_loop the gradients that they have
/// in Python: when the backward reaches the node, every operand that requires a
/// gradient gets one, which is zeros if the block that ran gives none. So
/// weight decay and momentum still change a parameter that only the other
/// branch reads.
///
/// TorchScript's branches and loops don't use this class: they aren't nodes of
/// the backward, so there such a parameter has no gradient at all.
class OperandGradients {
 public:
  /// Replaces each operand that requires a gradient by an alias. The blocks
  /// must read the alias.
  explicit OperandGradients(std::vector<c10::IValue>& operands);

  /// Makes every result depend on all operands, so that the backward reaches
  /// them.
  void join(std::vector<c10::IValue>& results);

 private:
  std::vector<NodePointer> gates_;  ///< one per replaced operand
};

}  // namespace pp
