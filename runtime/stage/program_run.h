#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <ATen/core/ivalue.h>

#include "runtime/program/program.h"

namespace pp {

/// The results of one program run and, if the run is trained, its backward.
struct ProgramRun {
  ProgramResult result;
  /// Whether each output requires a gradient; empty: not trained.
  std::vector<uint8_t> requires_grad;
  std::unique_ptr<BackwardPass> back;
};

/// Runs a program, and records the run if it is trained. Inputs that the
/// program writes are copied first.
///
/// requires_grad  for each input, whether its gradient is wanted; null if the
///                run is not trained
/// states         the states in the order of Graph::states; the program may
///                write them in place
ProgramRun run_program(
    const Program& program,
    std::vector<c10::IValue> inputs,
    const std::vector<uint8_t>* requires_grad,
    std::span<const at::Tensor> states,
    const RandomKey& key);

}  // namespace pp
