#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include "loader/ir/graph.h"
#include "runtime/stage/stage_programs.h"

namespace pp {

/// A parameter, buffer or constant that a stage holds.
struct StageState {
  std::string fqn;
  std::vector<std::string> aliases;
  ir::StateKind kind = ir::StateKind::Parameter;
  bool persistent = true;
  at::Tensor tensor;
  bool shares_memory = false;  ///< whether State::memory is set
  bool written = false;        ///< whether a run changes it

  /// Whether a checkpoint has it.
  bool is_saved() const {
    return written || (kind != ir::StateKind::Constant && persistent);
  }
};

/// The states of a stage, and what a run of its program does to them. A program
/// may write states in place, and it may compute new values of them
/// (mutations).
///
/// Each microbatch's backward needs the values that its forward read. So either
/// the states get new memory in a later run, or, if states must stay where they
/// are, a run works on copies that are written back after it.
class StageStates {
 public:
  explicit StageStates(std::vector<StageState> states)
      : states_(std::move(states)) {}

  const std::vector<StageState>& all() const { return states_; }
  std::vector<StageState>& all() { return states_; }
  std::vector<at::Tensor> tensors() const;

  /// From now on, keeps the tensors at their current addresses.
  void fix_places() { places_are_fixed_ = true; }
  bool places_are_fixed() const { return places_are_fixed_; }

  /// Returns the states to run a program on, by position.
  ///
  /// earlier_is_needed  whether a later backward reads the current values
  std::vector<at::Tensor> begin_run(
      const StagePrograms& programs,
      const Program& program,
      bool earlier_is_needed);
  /// Stores what the run left.
  ///
  /// states   as begin_run() returned them
  /// mutated  the new values of mutations; cleared if they were copied
  void end_run(
      const StagePrograms& programs,
      const Program& program,
      std::span<const at::Tensor> states,
      std::vector<at::Tensor>& mutated);

  /// Copies results that share memory with a state that runs write in place:
  /// the next run would change them.
  ///
  /// written        positions of such states
  /// requires_grad  by result; those with a gradient are left alone
  void part_from(
      std::span<const size_t> written,
      std::vector<c10::IValue>& results,
      std::span<const uint8_t> requires_grad) const;

  /// Returns copies of the states' current values, for a run that repeats this
  /// one.
  std::vector<at::Tensor> snapshot(const Program& program) const;

 private:
  std::vector<size_t> written_by(const Program& program) const;

  std::vector<StageState> states_;
  bool places_are_fixed_ = false;
};

}  // namespace pp
