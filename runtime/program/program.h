#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/ivalue.h>
#include <c10/core/Device.h>

#include "loader/ir/graph.h"
#include "runtime/program/keyed_random.h"
#include "runtime/program/tape.h"

namespace pp {

/// What happens to values that are no longer needed is decided once, when a
/// graph is compiled; running it only follows the list.
struct ProgramOptions {
  /// Which outputs are asked for, by position; empty: all. Nodes that only
  /// serve the others are left out.
  std::vector<uint8_t> wanted_outputs;
  /// Named in messages: "stage 1".
  std::string where;
  /// Modules (patterns) that keep nothing for a backward: they run again in it.
  /// The outermost module that matches counts.
  std::vector<std::string> recompute = {};
  /// Where it runs: takes the place of every device that the graph names.
  c10::Device device = c10::kCPU;
};

/// What a run leaves behind.
struct ProgramResult {
  /// By position in the graph; None where an output was not wanted.
  std::vector<c10::IValue> outputs;
  /// New values of the graph's mutations, in their order.
  std::vector<at::Tensor> mutated;
};

/// A run that can be taken back.
struct RecordedRun {
  /// Without gradients, as of a plain run.
  ProgramResult result;
  std::vector<uint8_t> requires_grad;  ///< by position of the outputs
  Tape tape;                           ///< the program must outlive it
};

/// A graph ready to run: operators resolved, constants made, argument defaults
/// filled in, last uses marked. Immutable: any number of runs may be under way
/// at once, on any threads.
class Program {
 public:
  /// throws Error(Input): an operator that is not registered or whose
  ///        arguments do not fit its schema, by node; Error(Usage): a module
  ///        of `recompute` that can't run again
  Program(const ir::Graph& graph, const ProgramOptions& options);
  ~Program();
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;

  /// Runs the graph once under the caller's grad mode.
  ///
  /// inputs  by position in Graph::inputs: tensors, ints, floats, bools
  /// states  by position in Graph::states; written in place where the graph
  ///         does so
  /// throws  Error(Runtime) naming operator, node and module
  ProgramResult run(
      std::vector<c10::IValue> inputs,
      std::span<const at::Tensor> states,
      const RandomKey& key) const;

  /// The same with gradients, whatever the caller's grad mode.
  ///
  /// requires_grad  by input: whether it is to get a gradient; states get one
  ///                if they require it
  RecordedRun record(
      std::vector<c10::IValue> inputs,
      std::span<const uint8_t> requires_grad,
      std::span<const at::Tensor> states,
      const RandomKey& key) const;

  /// The same as run(), and what each node took, in wall time, by position in
  /// the graph: nothing where it was left out. The clock costs some 30 ns a
  /// node.
  ProgramResult run_timed(
      std::vector<c10::IValue> inputs,
      std::span<const at::Tensor> states,
      const RandomKey& key,
      std::span<uint64_t> node_ns) const;

  /// Number of instructions: nodes that do work.
  size_t size() const;

  /// Why a run can't be taken again by a device alone, on new values; empty:
  /// nothing is known that speaks against it.
  std::string obstacle_to_replay() const;

  /// Which inputs the graph writes in place, directly or through a view: the
  /// caller must own their memory. By position.
  const std::vector<uint8_t>& written_inputs() const;
  /// Which states it so writes, by position in Graph::states.
  const std::vector<uint8_t>& written_states() const;

  struct Body;  ///< internal

 private:
  std::unique_ptr<const Body> body_;
};

}  // namespace pp
