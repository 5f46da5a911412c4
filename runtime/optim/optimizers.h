#pragma once

#include <memory>
#include <vector>

#include "runtime/optim/optimizer.h"

// One function per optimizer; make_optimizer calls them.

namespace pp {

/// Makes torch.optim.SGD(fused=True).
std::unique_ptr<Optimizer> make_sgd(
    OptimizerConfig config, std::vector<NamedParameter> parameters);

/// Makes torch.optim.Adam(fused=True).
std::unique_ptr<Optimizer> make_adam(
    OptimizerConfig config, std::vector<NamedParameter> parameters);

/// Makes torch.optim.AdamW(fused=True).
std::unique_ptr<Optimizer> make_adamw(
    OptimizerConfig config, std::vector<NamedParameter> parameters);

}  // namespace pp
