#pragma once

#include <ATen/core/function.h>
#include <torch/csrc/jit/ir/ir.h>

// Finds code with which a model checks its inputs. Such checks are left out,
// like assertions of an exported program, because they often depend on values
// that are known only when the model runs.
namespace pp::ts {

/// Whether `block`, a side of a branch, raises an exception. If so, lowering
/// continues with the other side.
bool only_raises(const torch::jit::Block& block);

/// Whether a branch returns nothing and neither side changes anything.
bool only_checks(const torch::jit::Node& branch);

/// Whether a function returns nothing and changes nothing, so that all it can
/// do is raise, like `torch.nn.functional._verify_batch_size`.
bool only_checks(torch::jit::Function& function);

}  // namespace pp::ts
