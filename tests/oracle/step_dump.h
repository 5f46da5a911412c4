#pragma once

#include <map>
#include <string>

#include <ATen/core/Tensor.h>

#include "runtime/job/job.h"

namespace pp {

/// Runs one training step of a job on thread ranks.
///
/// returns  loss, outputs.<name>.<microbatch>, gradients.<fqn>, buffers.<fqn>
///          and, of every other state, states.<fqn>
std::map<std::string, at::Tensor> dump_step(const Job& job);

}  // namespace pp
