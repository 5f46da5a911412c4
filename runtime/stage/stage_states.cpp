#include "runtime/stage/stage_states.h"

#include <algorithm>

#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {

namespace {

/// Gives a value that the model computed for a buffer the buffer's type, which
/// autocast may have changed. The sizes must be the buffer's, because other
/// microbatches and checkpoints need them.
void fit_to_state(const StageState& state, at::Tensor& value) {
  if (value.sizes() != state.tensor.sizes()) {
    throw runtime_error(
        "the model assigns a tensor of shape " +
        shape_text(value.sizes().vec()) + " to buffer '" + state.fqn +
        "', which has shape " + shape_text(state.tensor.sizes().vec()));
  }
  value = value.to(state.tensor.scalar_type());
}

}  // namespace

std::vector<at::Tensor> StageStates::tensors() const {
  std::vector<at::Tensor> tensors;
  tensors.reserve(states_.size());
  for (const StageState& state : states_) {
    tensors.push_back(state.tensor);
  }
  return tensors;
}

/// Positions of the states that a run writes in place, other than parameters
/// that are trained.
std::vector<size_t> StageStates::written_by(const Program& program) const {
  std::vector<size_t> written;
  for (size_t i = 0; i < states_.size(); ++i) {
    if (program.written_states()[i] && !states_[i].tensor.requires_grad()) {
      written.push_back(i);
    }
  }
  return written;
}

std::vector<at::Tensor> StageStates::snapshot(const Program& program) const {
  std::vector<at::Tensor> states = tensors();
  for (const size_t i : written_by(program)) {
    states[i] = states[i].clone();
  }
  return states;
}

void StageStates::part_from(
    std::span<const size_t> written,
    std::vector<c10::IValue>& results,
    std::span<const uint8_t> requires_grad) const {
  for (size_t i = 0; i < results.size(); ++i) {
    if (!results[i].isTensor() ||
        (!requires_grad.empty() && requires_grad[i] != 0)) {
      continue;
    }
    const at::Tensor& result = results[i].toTensor();
    if (result.has_storage() &&
        std::ranges::any_of(written, [&](size_t position) {
          return states_[position].tensor.is_alias_of(result);
        })) {
      results[i] = result.clone();
    }
  }
}

std::vector<at::Tensor> StageStates::begin_run(
    const StagePrograms& programs,
    const Program& program,
    bool earlier_is_needed) {
  if (places_are_fixed_) {
    std::vector<at::Tensor> states = snapshot(program);
    for (const int i : programs.mutated_states) {
      states[i] = states[i].clone();
    }
    return states;
  }
  if (earlier_is_needed) {
    for (const size_t i : written_by(program)) {
      states_[i].tensor = states_[i].tensor.clone();
    }
  }
  return tensors();
}

void StageStates::end_run(
    const StagePrograms& programs,
    const Program& program,
    std::span<const at::Tensor> states,
    std::vector<at::Tensor>& mutated) {
  for (size_t i = 0; i < mutated.size(); ++i) {
    fit_to_state(states_[programs.mutated_states[i]], mutated[i]);
  }
  if (!places_are_fixed_) {
    for (size_t i = 0; i < mutated.size(); ++i) {
      // Replace the tensor: an earlier backward may need the old values.
      states_[programs.mutated_states[i]].tensor = mutated[i].detach();
    }
    return;
  }
  for (const size_t i : written_by(program)) {
    states_[i].tensor.copy_(states[i]);
  }
  for (size_t i = 0; i < mutated.size(); ++i) {
    states_[programs.mutated_states[i]].tensor.copy_(mutated[i]);
  }
  mutated.clear();
}

}  // namespace pp
