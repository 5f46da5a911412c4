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

// The values that cross a stage's border in one microbatch, between messages
// and the inputs and outputs of the stage's program.

namespace pp {

/// The user's inputs of one microbatch, by model input name.
using UserInputs = std::map<std::string, at::Tensor>;

/// The stage and microbatch to which crossing values belong.
struct Crossing {
  int stage = 0;
  int microbatch = 0;
};

/// The values that enter a stage, by entry.
struct EnteredValues {
  std::vector<c10::IValue> values;     ///< tensors as received, or numbers
  std::vector<uint8_t> requires_grad;  ///< a gradient goes back

  bool any_requires_grad() const;
};

/// One exit's value after a run.
struct ExitValue {
  const c10::IValue* value = nullptr;
  int entry = -1;  ///< the entry passed through; -1: the run's output
  bool requires_grad = false;
};

/// The sent values that get a gradient back, by their positions in the message.
struct SentValues {
  std::vector<std::pair<int, int>> outputs;  ///< (position, exit)
  std::vector<std::pair<int, int>> relays;   ///< (position, entry)
};

/// Checks the values that enter against the border's shape contract, and
/// returns them.
///
/// training  whether gradients are sent back
/// throws    Error(Runtime) "PipeliningShapeError: ..."
EnteredValues enter(
    const Border& border,
    const Crossing& crossing,
    const Message& previous,
    const UserInputs& user_inputs,
    bool training);

/// Returns the value of exit `i`, which is in `outputs` or in `entered`.
///
/// requires_grad  by output; empty: not trained
ExitValue exit_value(
    const Border& border,
    size_t i,
    const ProgramResult& result,
    std::span<const uint8_t> requires_grad,
    const EnteredValues& entered);

/// Makes the message to the next stage, with detached tensors.
///
/// requires_grad  as for exit_value()
/// sent           receives the values that expect a gradient
Message message_to_next(
    const Border& border,
    const Crossing& crossing,
    const ProgramResult& result,
    std::span<const uint8_t> requires_grad,
    const EnteredValues& entered,
    SentValues& sent);

/// Makes the message to the previous stage.
///
/// gradients  by entry; undefined: none
Message message_to_previous(
    const Border& border,
    const Crossing& crossing,
    const std::vector<at::Tensor>& gradients);

}  // namespace pp
