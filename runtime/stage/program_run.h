#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <ATen/core/ivalue.h>

#include "runtime/program/program.h"

namespace pp {

/// A run of a program, with its backward if it is trained.
struct ProgramRun {
  ProgramResult result;
  std::vector<uint8_t> requires_grad;  ///< by output; empty: not trained
  std::unique_ptr<BackwardPass> back;
};

/// Runs a program, and records the run if it is trained. Inputs that the
/// program writes are copied first.
///
/// requires_grad  by input; null: not trained
/// states         by position; the program may write them in place
ProgramRun run_program(
    const Program& program,
    std::vector<c10::IValue> inputs,
    const std::vector<uint8_t>* requires_grad,
    std::span<const at::Tensor> states,
    const RandomKey& key);

}  // namespace pp
