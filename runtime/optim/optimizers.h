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

/// Makes Lion: with u = sign(b1 m + (1 - b1) g), a parameter p becomes
/// p (1 - lr weight_decay) - lr u; then m becomes b2 m + (1 - b2) g.
/// source  Chen et al., Symbolic Discovery of Optimization Algorithms (2023)
std::unique_ptr<Optimizer> make_lion(
    OptimizerConfig config, std::vector<NamedParameter> parameters);

/// Makes torch.optim.Muon for the matrices, see orthogonalizes(), and
/// torch.optim.AdamW(fused=True) for the other parameters.
std::unique_ptr<Optimizer> make_muon(
    OptimizerConfig config, std::vector<NamedParameter> parameters);

}  // namespace pp
