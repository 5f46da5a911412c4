#pragma once

// Records a tape. Internal to runtime/program/.

#include <memory>
#include <vector>

#include <torch/csrc/autograd/edge.h>

#include "runtime/program/body.h"
#include "runtime/program/graph_leaf.h"
#include "runtime/program/interpreter.h"
#include "runtime/program/rules/rule.h"
#include "runtime/program/split_backward.h"
#include "runtime/program/tape.h"

namespace pp {

// Flags of a value in a recorded run.
constexpr uint8_t kNeedsGradient = 1;
/// The value depends on an input that needs a gradient. A value that depends on
/// parameters alone doesn't have this flag.
constexpr uint8_t kOnPath = 2;

/// The autograd graph of a range of the program's instructions.
struct Island {
  struct Leaf {
    ir::ValueId value;
    GraphLeaf graph;
  };
  struct Root {
    ir::ValueId value;
    torch::autograd::Edge edge;
  };
  std::vector<Leaf> leaves;
  std::vector<Root> roots;
  DeferredWeights deferred;
  // The range, for messages.
  const Instruction* first = nullptr;
  const Instruction* last = nullptr;
};

struct Entry;

/// A range of instructions that is recomputed. Until the backward it keeps only
/// its inputs.
struct Repeat {
  const Segment* segment = nullptr;
  std::vector<c10::IValue> inputs;
  std::vector<Entry> entries;
  bool is_done = false;
};

/// A step of the backward: a call with a rule, an island or a repeat.
struct Entry {
  const Instruction* instruction = nullptr;
  const Rule* rule = nullptr;
  Kept kept;
  bool on_path = false;
  /// Gradients of the results, which the input half keeps for the weight half.
  std::vector<at::Tensor> gradients;
  std::unique_ptr<Island> island;
  std::unique_ptr<Repeat> repeat;
};

struct Tape::Recording {
  const Program::Body& body;
  RandomKey key;
  std::vector<at::Tensor> states;
  std::vector<uint8_t> flags;         ///< flags of each value
  std::vector<at::Tensor> gradients;  ///< gradient of each value
  std::vector<Entry> entries;

  Recording(
      const Program::Body& program_body,
      const RandomKey& run_key,
      std::span<const at::Tensor> run_states);

  /// Whether the value is a parameter that has only one reader. That reader may
  /// add directly to the parameter's gradient.
  bool accumulates_directly(ir::ValueId id) const {
    return body.state_of[id] >= 0 && body.has_one_reader[id] != 0;
  }
};

/// Runs a program and records its tape.
class Recorder {
 public:
  explicit Recorder(Tape::Recording& recording);

  void run(Frame& frame);
  /// Runs some segments and appends their entries to `entries`.
  void run(
      const std::vector<Segment>& segments,
      Frame& frame,
      std::vector<Entry>& entries);

 private:
  void run_straight(
      const Segment& segment, Frame& frame, std::vector<Entry>& entries);
  void run_island(
      const Segment& segment, Frame& frame, std::vector<Entry>& entries);
  void run_repeated(
      const Segment& segment, Frame& frame, std::vector<Entry>& entries);
  void execute(
      const Instruction& instruction,
      torch::jit::Stack& stack,
      std::vector<Entry>& entries);
  void execute_alone(
      const Instruction& instruction, torch::jit::Stack& stack, Island& island);

  Tape::Recording& recording_;
  Run run_;
  /// Flags of each input of the current instruction, see kOnPath.
  std::vector<uint8_t> wanted_;
};

}  // namespace pp
