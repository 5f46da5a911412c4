#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include "runtime/program/program.h"
#include "runtime/stage/border.h"
#include "runtime/transport/message.h"

// Converts the values that cross a stage's border in one microbatch, between
// messages and the inputs and outputs of the stage's program.

namespace pp {

/// The user's inputs of one microbatch, by model input name.
using UserInputs = std::map<std::string, at::Tensor>;

/// The stage and microbatch to which crossing values belong.
struct Crossing {
  int stage = 0;
  int microbatch = 0;
};

/// The values that enter a stage, in the order of the border's entries.
struct EnteredValues {
  std::vector<c10::IValue> values;     ///< tensors as received, or numbers
  std::vector<uint8_t> requires_grad;  ///< whether a gradient is sent back

  bool any_requires_grad() const;
};

/// The value of one exit after a run.
struct ExitValue {
  const c10::IValue* value = nullptr;
  /// Index of the entry that passed through; -1: the value is an output of the
  /// run.
  int entry = -1;
  bool requires_grad = false;
};

/// The sent values whose gradients come back, with their positions in the
/// message.
struct SentValues {
  std::vector<std::pair<int, int>> outputs;  ///< (position, exit)
  std::vector<std::pair<int, int>> relays;   ///< (position, entry)
};

/// Checks the values that enter a stage against the border's shape contract,
/// and returns them.
///
/// training  whether gradients are sent back to the previous stage
/// throws    Error(Runtime) "PipeliningShapeError: ...": a value is missing or
///           violates the contract
EnteredValues enter(
    const Border& border,
    const Crossing& crossing,
    const Message& previous,
    const UserInputs& user_inputs,
    bool training);

/// Returns the value of exit `i`, which is an output in `result` or an entry in
/// `entered`.
///
/// requires_grad  for each output, whether it requires a gradient; empty if the
///                run is not trained
ExitValue exit_value(
    const Border& border,
    size_t i,
    const ProgramResult& result,
    std::span<const uint8_t> requires_grad,
    const EnteredValues& entered);

/// Makes the message to the next stage, with detached tensors.
///
/// requires_grad  as for exit_value()
/// sent           receives the positions of the values whose gradients come
///                back
Message message_to_next(
    const Border& border,
    const Crossing& crossing,
    const ProgramResult& result,
    std::span<const uint8_t> requires_grad,
    const EnteredValues& entered,
    SentValues& sent);

/// Makes the message to the previous stage.
///
/// gradients  the gradient of each entry; undefined where there is none
Message message_to_previous(
    const Border& border,
    const Crossing& crossing,
    const std::vector<at::Tensor>& gradients);

}  // namespace pp
