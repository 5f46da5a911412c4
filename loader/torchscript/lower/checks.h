#pragma once

#include <ATen/core/function.h>
#include <torch/csrc/jit/ir/ir.h>

// Finds checks that a model makes of its inputs. They are left out, as the
// assertions of an exported program are, because they often depend on values
// that are known only when the model runs.
namespace pp::ts {

/// Whether a side of a branch raises an exception. If so, the model continues
/// on the other side.
bool only_raises(const torch::jit::Block& block);

/// Whether a branch returns nothing and changes nothing on either side.
bool only_checks(const torch::jit::Node& branch);

/// Whether a function returns nothing and changes nothing, so that all it can
/// do is raise, like `torch.nn.functional._verify_batch_size`.
bool only_checks(torch::jit::Function& function);

}  // namespace pp::ts
