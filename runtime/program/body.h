#pragma once

// The compiled form of a graph. Internal to runtime/program/.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include "runtime/autodiff/rule.h"
#include "runtime/program/builtins.h"
#include "runtime/program/program.h"

namespace pp {

/// Where one argument of an instruction comes from.
struct Operand {
  enum class From : uint8_t {
    Constant,  ///< index into Body::constants
    Slot,      ///< index is a value, which stays
    LastUse,   ///< index is a value, which is moved out
    List,      ///< index into Body::lists
  };
  From from = From::Constant;
  /// A number in a slot that the schema wants as a tensor.
  bool wrap_number = false;
  int32_t index = 0;
};

/// A list argument that is not constant, put together at run time.
struct ListOperand {
  c10::TypePtr element;
  std::vector<Operand> items;
};

enum class InstructionKind : uint8_t {
  Operator,          ///< through the dispatcher
  Builtin,           ///< a plain function: symbolic arithmetic
  Generator,         ///< through the dispatcher, with a generator of ours
  DefaultGenerator,  ///< the same with the process's, seeded for it
  Dropout,           ///< our kernels: keyed masks
  DropoutInPlace,
  FeatureDropout,
  FeatureDropoutInPlace,
  NativeDropout,
  Attention,
  Cond,
  WhileLoop,
  ScriptLoop,  ///< TorchScript's: a number of turns and a condition
};

struct Instruction {
  InstructionKind kind = InstructionKind::Operator;
  bool grad_enabled = true;
  bool draws = false;     ///< random numbers
  int16_t autocast = -1;  ///< index into Body::autocasts
  int32_t generator_argument = -1;
  std::optional<c10::OperatorHandle> op;
  BuiltinFunction builtin = nullptr;
  std::vector<Operand> operands;
  std::vector<ir::NodeOutput> outputs;
  std::vector<ir::ValueId> dead;  ///< values nobody reads after this
  std::vector<std::unique_ptr<Program::Body>> blocks;  ///< sub-graphs
  int32_t node = 0;  ///< its position in the graph
  std::string target;
  std::string name;    ///< first output in the source graph
  std::string module;  ///< FQN it ran under
  std::string index;   ///< what it looks up, for messages; empty: nothing
  /// How to differentiate it; null: by autograd, or there is nothing to.
  const Rule* rule = nullptr;
  /// What a rule calls its inputs, by position; kNoValue: a constant.
  std::vector<ir::ValueId> rule_inputs;
};

/// A stretch of instructions, by how a recorded run treats it.
struct Segment {
  enum class Kind : uint8_t {
    Straight,  ///< each by its rule, or without a gradient
    Island,    ///< by autograd, in one graph
    Repeated,  ///< keeps what it reads and runs again in the backward
  };
  struct Input {
    ir::ValueId value = 0;
    bool written = false;  ///< in place, in the segment
  };

  Kind kind = Kind::Straight;
  size_t begin = 0;
  size_t end = 0;
  std::vector<Input> inputs;         ///< what it reads and does not make
  std::vector<ir::ValueId> outputs;  ///< what it makes and others read
  std::vector<Segment> parts;        ///< Repeated: of what it consists
};

struct Program::Body {
  std::string where;
  c10::Device device = c10::kCPU;
  size_t num_values = 0;
  std::vector<c10::IValue> constants;
  std::vector<ListOperand> lists;
  std::vector<ir::Autocast> autocasts;
  std::vector<Instruction> instructions;
  std::vector<Segment> segments;  ///< one after the other
  std::vector<ir::ValueId> inputs;
  std::vector<ir::ValueId> states;
  std::vector<int32_t> state_of;  ///< by value: its position, or -1
  /// By value: the state's one reader may add to its gradient by itself. Those
  /// of several readers are added up first, as autograd does.
  std::vector<uint8_t> has_one_reader;
  std::vector<Operand> outputs;
  std::vector<uint8_t> wanted;
  std::vector<ir::ValueId> mutated;
  std::vector<uint8_t> written_inputs;
  std::vector<uint8_t> written_states;
};

/// Builds the body of a graph or of a sub-graph.
std::unique_ptr<Program::Body> compile(
    const ir::Graph& graph, const ProgramOptions& options);

/// Runs `body`. `occurrence` counts the runs of a loop's body. `node_ns`: what
/// each node took is added there, by position in the graph; empty: not timed.
ProgramResult run_body(
    const Program::Body& body,
    std::vector<c10::IValue> inputs,
    std::span<const at::Tensor> states,
    const RandomKey& key,
    int64_t occurrence,
    std::span<uint64_t> node_ns = {});

/// Calls a random operator that takes no generator with the process's own,
/// seeded for it; one such call at a time.
void call_seeded(
    const c10::OperatorHandle& op,
    torch::jit::Stack& stack,
    c10::Device device,
    uint64_t seed);

/// The random operators that get kernels of ours; arguments on the stack in
/// the operator's schema order, results pushed back.
void run_random(
    const Instruction& instruction, torch::jit::Stack& stack, uint64_t seed);

/// What differentiates our dropout kernels. It has no forward of its own:
extern const Rule kDropoutRule;
/// does what run_random() does and keeps the mask.
void record_dropout(
    const Instruction& instruction,
    torch::jit::Stack& stack,
    uint64_t seed,
    Kept& kept);

/// Branches and loops. `occurrence`: of the body that the node stands in.
void run_control_flow(
    const Instruction& instruction,
    torch::jit::Stack& stack,
    const RandomKey& key,
    int64_t occurrence);

}  // namespace pp
