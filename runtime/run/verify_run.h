#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/plan/pipeline_source.h"
#include "runtime/run/verify.h"
#include "runtime/schedule/schedule.h"
#include "runtime/stage/border.h"
#include "runtime/stage/border_values.h"

namespace pp {

/// The seed of all random numbers that verify() draws.
inline constexpr uint64_t kVerifySeed = 0;

/// The results of one run of a pipeline, by name.
struct VerifyResults {
  std::map<std::string, at::Tensor> outputs;  ///< "logits, microbatch 0"
  std::map<std::string, at::Tensor> gradients;
  std::map<std::string, at::Tensor> buffers;
  std::map<int, double> losses;  ///< loss of each microbatch
};

/// Runs each microbatch once, on ranks that are threads: a forward and, unless
/// VerifyOptions::forward_only is set, a backward.
///
/// inputs     the inputs of each microbatch
/// in_double  whether to compute in double precision
VerifyResults run_for_verify(
    const PipelineSource& source,
    const Schedule& schedule,
    const std::vector<UserInputs>& inputs,
    const WantedOutputs& wanted,
    const VerifyOptions& options,
    bool in_double);

}  // namespace pp
