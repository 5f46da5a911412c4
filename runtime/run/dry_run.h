#pragma once

#include <string>

#include "runtime/run/plan.h"

namespace pp {

/// What `pp run --dry-run` prints: which rank owns which stages, what each
/// rank holds in bytes (weights, gradients, optimizer state), how many
/// microbatches it keeps alive at most, what it sends a step, and its actions
/// in order.
std::string dry_run(const Plan& plan);

}  // namespace pp
