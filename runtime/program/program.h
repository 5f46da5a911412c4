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

struct ProgramOptions {
  /// One flag for each output of the graph; empty: all are wanted. Nodes that
  /// only unwanted outputs need are left out.
  std::vector<uint8_t> wanted_outputs;
  /// The program's name in messages: "stage 1".
  std::string where;
  /// Patterns of modules that keep nothing for the backward and run again in
  /// it. If nested modules match, the outermost one is recomputed.
  std::vector<std::string> recompute = {};
  /// The device to run on, which replaces every device that the graph names.
  c10::Device device = c10::kCPU;
};

/// The results of a run.
struct ProgramResult {
  /// The outputs in the graph's order; None where one was not wanted.
  std::vector<c10::IValue> outputs;
  /// New values of the graph's mutations, in their order.
  std::vector<at::Tensor> mutated;
};

/// The results of a run, and what its backward needs.
struct RecordedRun {
  ProgramResult result;  ///< its tensors require no gradient
  std::vector<uint8_t>
      requires_grad;  ///< by output: it depends on a value that does
  Tape tape;          ///< the program must outlive it
};

/// A graph compiled to instructions: operators are resolved, constants made and
/// argument defaults filled in. It also fixes when each value is freed.
/// Immutable: any number of runs may be in progress at once, on any threads.
class Program {
 public:
  /// throws  Error(Input) naming the node: an operator isn't registered, or its
  ///         arguments don't fit its schema; Error(Usage): a module of
  ///         `recompute` can't be recomputed
  Program(const ir::Graph& graph, const ProgramOptions& options);
  ~Program();
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;

  /// Runs the graph once under the caller's grad mode.
  ///
  /// inputs  by position in Graph::inputs: tensors, ints, floats, bools
  /// states  by position in Graph::states; the graph may write them in place
  /// throws  Error(Runtime) naming operator, node and module
  ProgramResult run(
      std::vector<c10::IValue> inputs,
      std::span<const at::Tensor> states,
      const RandomKey& key) const;

  /// Runs the graph once and records it, whatever the caller's grad mode.
  ///
  /// requires_grad  by input: whether its gradient is wanted; a state gets a
  ///                gradient if its tensor requires one
  RecordedRun record(
      std::vector<c10::IValue> inputs,
      std::span<const uint8_t> requires_grad,
      std::span<const at::Tensor> states,
      const RandomKey& key) const;

  /// Like run(), and adds each node's wall time to `node_ns`, by position in
  /// the graph. Nodes that were left out get nothing. The clock costs about
  /// 30 ns per node.
  ProgramResult run_timed(
      std::vector<c10::IValue> inputs,
      std::span<const at::Tensor> states,
      const RandomKey& key,
      std::span<uint64_t> node_ns) const;

  /// Number of instructions, which are the nodes that do work.
  size_t size() const;

  /// Says why this program can't be captured by a device and replayed on new
  /// values; empty if no reason is known.
  std::string obstacle_to_replay() const;

  /// One flag per input: whether the graph writes it in place, directly or
  /// through a view. The caller must own the memory of such an input.
  const std::vector<uint8_t>& written_inputs() const;
  /// Like written_inputs(), for each state.
  const std::vector<uint8_t>& written_states() const;

  struct Body;  ///< internal

 private:
  std::unique_ptr<const Body> body_;
};

}  // namespace pp
