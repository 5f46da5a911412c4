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

  /// Whether checkpoints contain the state.
  bool is_saved() const {
    return written || (kind != ir::StateKind::Constant && persistent);
  }
};

/// The states of a stage, and how a run of its program changes them. A program
/// may write states in place, or compute new values that replace them
/// (mutations).
///
/// Each microbatch's backward needs the values that its forward read. So either
/// a later run gives the states new memory or, if states must stay at their
/// addresses, a run works on copies and writes them back at its end.
class StageStates {
 public:
  explicit StageStates(std::vector<StageState> states)
      : states_(std::move(states)) {}

  const std::vector<StageState>& all() const { return states_; }
  std::vector<StageState>& all() { return states_; }
  std::vector<at::Tensor> tensors() const;

  /// Keeps the tensors at their current addresses from now on.
  void fix_places() { places_are_fixed_ = true; }
  bool places_are_fixed() const { return places_are_fixed_; }

  /// Returns the states for a run of `program`, by position.
  ///
  /// earlier_is_needed  whether a backward that has not run yet reads the
  ///                    current values
  std::vector<at::Tensor> begin_run(
      const StagePrograms& programs,
      const Program& program,
      bool earlier_is_needed);
  /// Stores the states' values after a run.
  ///
  /// states   the states that begin_run() returned
  /// mutated  the new values that the program computed for states; cleared if
  ///          they were copied into the states
  void end_run(
      const StagePrograms& programs,
      const Program& program,
      std::span<const at::Tensor> states,
      std::vector<at::Tensor>& mutated);

  /// Copies those results of a run that share memory with a state in `written`,
  /// because the next run would change them.
  ///
  /// written        the positions of the states that runs write in place
  /// requires_grad  for each result, whether it requires a gradient; such
  ///                results are not copied
  void part_from(
      std::span<const size_t> written,
      std::vector<c10::IValue>& results,
      std::span<const uint8_t> requires_grad) const;

  /// Returns the states for a later run that repeats the current one. Those
  /// that `program` writes in place are copies.
  std::vector<at::Tensor> snapshot(const Program& program) const;

 private:
  std::vector<size_t> written_by(const Program& program) const;

  std::vector<StageState> states_;
  bool places_are_fixed_ = false;
};

}  // namespace pp
