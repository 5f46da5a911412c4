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
  /// For each output of the graph, whether it is wanted; empty: all are. Nodes
  /// that only unwanted outputs need are left out.
  std::vector<uint8_t> wanted_outputs;
  /// The program's name in messages: "stage 1".
  std::string where;
  /// Patterns of modules that keep nothing for the backward but run again in
  /// it. If nested modules match, the outermost one is recomputed.
  std::vector<std::string> recompute = {};
  /// The device to run on. It replaces every device that the graph names.
  c10::Device device = c10::kCPU;
};

/// The results of a run.
struct ProgramResult {
  /// The outputs in the graph's order; None in place of an output that is not
  /// wanted.
  std::vector<c10::IValue> outputs;
  /// The new values of the graph's mutations, in the graph's order.
  std::vector<at::Tensor> mutated;
};

/// The results of a run, and what its backward needs.
struct RecordedRun {
  ProgramResult result;  ///< the result's tensors require no gradient
  /// For each output, whether it depends on a value that requires a gradient.
  std::vector<uint8_t> requires_grad;
  Tape tape;  ///< the program must outlive the tape
};

/// A graph compiled to instructions, with operators resolved, constants made,
/// argument defaults filled in, and the points fixed at which each value is
/// freed. Immutable: any number of runs may be in progress at the same time, on
/// any threads.
class Program {
 public:
  /// throws  Error(Input) naming the node: its operator isn't registered, or
  ///         its arguments don't fit the operator's schema; Error(Usage): a
  ///         module of `recompute` can't be recomputed
  Program(const ir::Graph& graph, const ProgramOptions& options);
  ~Program();
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;

  /// Runs the graph once, in the caller's grad mode.
  ///
  /// inputs  the graph's inputs, in the order of Graph::inputs: tensors, ints,
  ///         floats or bools
  /// states  the graph's states, in the order of Graph::states; the graph may
  ///         write them in place
  /// throws  Error(Runtime) naming operator, node and module: an operator
  ///         failed
  ProgramResult run(
      std::vector<c10::IValue> inputs,
      std::span<const at::Tensor> states,
      const RandomKey& key) const;

  /// Runs the graph once and records it for a backward, whatever the caller's
  /// grad mode.
  ///
  /// requires_grad  for each input, whether its gradient is wanted. A state
  ///                gets a gradient if its tensor requires one
  RecordedRun record(
      std::vector<c10::IValue> inputs,
      std::span<const uint8_t> requires_grad,
      std::span<const at::Tensor> states,
      const RandomKey& key) const;

  /// Does what run() does, and adds each node's wall time in nanoseconds to
  /// `node_ns`, by the node's position in the graph. Nodes that the program
  /// doesn't run add nothing. Reading the clock costs about 30 ns per node.
  ProgramResult run_timed(
      std::vector<c10::IValue> inputs,
      std::span<const at::Tensor> states,
      const RandomKey& key,
      std::span<uint64_t> node_ns) const;

  /// Returns the number of instructions, which are the nodes that do work.
  size_t size() const;

  /// Returns why a device can't capture this program and replay it on new
  /// values; empty if no reason is known.
  std::string obstacle_to_replay() const;

  /// For each input, whether the graph writes it in place, directly or through
  /// a view. The caller must own the memory of such an input.
  const std::vector<uint8_t>& written_inputs() const;
  /// For each state, whether the graph writes it in place.
  const std::vector<uint8_t>& written_states() const;

  struct Body;  ///< internal

 private:
  std::unique_ptr<const Body> body_;
};

}  // namespace pp
