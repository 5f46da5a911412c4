#pragma once

#include <ATen/core/function.h>
#include <torch/csrc/jit/ir/ir.h>

namespace pp::ts {

// A model's checks of its inputs are left out, as the assertions of an exported
// program are: they often read what is known only when it runs.

/// Whether a branch ends in an exception: the other one is the model.
bool only_raises(const torch::jit::Block& block);

/// Whether a branch makes nothing and changes nothing, whichever way it goes.
bool only_checks(const torch::jit::Node& branch);

/// Whether a function returns nothing and changes nothing, so that all it can
/// do is raise: `torch.nn.functional._verify_batch_size` and its like.
bool only_checks(torch::jit::Function& function);

}  // namespace pp::ts
