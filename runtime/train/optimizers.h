#pragma once

#include <memory>
#include <vector>

#include "runtime/train/optimizer.h"

// What optimizer.cpp's table points at; one function an optimizer.

namespace pp {

/// torch.optim.SGD(fused=True)
std::unique_ptr<Optimizer> make_sgd(
    std::vector<NamedParameter> parameters,
    std::vector<OptimizerOptions> options,
    double base_lr);

/// torch.optim.Adam(fused=True)
std::unique_ptr<Optimizer> make_adam(
    std::vector<NamedParameter> parameters,
    std::vector<OptimizerOptions> options,
    double base_lr);

/// torch.optim.AdamW(fused=True)
std::unique_ptr<Optimizer> make_adamw(
    std::vector<NamedParameter> parameters,
    std::vector<OptimizerOptions> options,
    double base_lr);

}  // namespace pp
