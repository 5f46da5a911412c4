#pragma once

// The compiled form of a graph. Internal to runtime/program/.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include "loader/operators/preconditions.h"
#include "runtime/program/builtins.h"
#include "runtime/program/program.h"
#include "runtime/program/rules/rule.h"

namespace pp {

/// Says where one argument of an instruction comes from.
struct Operand {
  enum class From : uint8_t {
    Constant,  ///< index into Body::constants
    Slot,      ///< index is a value, which stays in its slot
    LastUse,   ///< index is a value, which is moved out of its slot
    List,      ///< index into Body::lists
  };
  From from = From::Constant;
  /// The slot holds a number, but the schema asks for a tensor.
  bool wrap_number = false;
  int32_t index = 0;
};

/// A list argument that is not constant, put together at run time.
struct ListOperand {
  c10::TypePtr element;
  std::vector<Operand> items;
};

enum class InstructionKind : uint8_t {
  Operator,          ///< called through the dispatcher
  Builtin,           ///< a plain function: symbolic arithmetic
  Generator,         ///< an operator that gets a generator of our own
  DefaultGenerator,  ///< an operator that draws from the process's generator,
                     ///< which is seeded before the call
  Dropout,           ///< our own kernels from here on, with keyed masks
  DropoutInPlace,
  FeatureDropout,
  FeatureDropoutInPlace,
  NativeDropout,
  Attention,
  Cond,
  WhileLoop,
  ScriptIf,
  ScriptLoop,  ///< TorchScript's loop: an iteration count and a condition
};

struct Instruction {
  InstructionKind kind = InstructionKind::Operator;
  bool grad_enabled = true;
  bool draws = false;          ///< draws random numbers
  bool is_batch_norm = false;  ///< has_batch_norm_backward()
  int16_t autocast = -1;       ///< index into Body::autocasts
  int32_t generator_argument = -1;
  std::optional<c10::OperatorHandle> op;
  BuiltinFunction builtin = nullptr;
  Precondition precondition = nullptr;  ///< of `op`; null for nearly all
  std::vector<Operand> operands;
  std::vector<ir::NodeOutput> outputs;
  std::vector<ir::ValueId> dead;  ///< results that nobody reads
  std::vector<std::unique_ptr<Program::Body>> blocks;  ///< sub-graphs
  int32_t node = 0;  ///< its position in the graph
  std::string target;
  std::string name;        ///< node_name()
  std::string module;      ///< FQN of the module it ran under
  std::string index_name;  ///< name of its index tensor's source, or empty
  /// How to differentiate it; null if autograd differentiates it, or if it has
  /// no gradient.
  const Rule* rule = nullptr;
  /// The values that its rule counts as inputs (Wanted); kNoValue: a constant.
  std::vector<ir::ValueId> rule_inputs;
};

/// A stretch of instructions that a recorded run treats alike.
struct Segment {
  enum class Kind : uint8_t {
    Straight,  ///< each call has a rule, or no gradient
    Island,    ///< autograd differentiates it, as one graph
    Repeated,  ///< recomputed: keeps its inputs and runs again in the backward
  };
  struct Input {
    ir::ValueId value = 0;
    bool written = false;  ///< whether the segment writes it in place
  };

  Kind kind = Kind::Straight;
  size_t begin = 0;
  size_t end = 0;
  std::vector<Input> inputs;         ///< what it reads but doesn't compute
  std::vector<ir::ValueId> outputs;  ///< what it computes and others read
  std::vector<Segment> parts;        ///< Repeated: the segments it consists of
};

struct Program::Body {
  std::string where;
  c10::Device device = c10::kCPU;
  size_t num_values = 0;
  std::vector<c10::IValue> constants;
  std::vector<ListOperand> lists;
  std::vector<ir::Autocast> autocasts;
  std::vector<Instruction> instructions;
  std::vector<Segment> segments;  ///< they cover the instructions, in order
  std::vector<ir::ValueId> inputs;
  std::vector<ir::ValueId> states;
  std::vector<int32_t> state_of;  ///< by value: position in states, or -1
  /// For each value, whether it has exactly one reader. If such a value is a
  /// state, its reader's gradient is added to the state's directly; other
  /// gradients are summed first, as autograd does.
  std::vector<uint8_t> has_one_reader;
  std::vector<Operand> outputs;
  std::vector<uint8_t> wanted_outputs;
  std::vector<ir::ValueId> mutated;
  std::vector<uint8_t> written_inputs;
  std::vector<uint8_t> written_states;
};

/// Builds the body of a graph or of a sub-graph.
std::unique_ptr<Program::Body> compile(
    const ir::Graph& graph, const ProgramOptions& options);

/// Runs `body`.
///
/// occurrence  identifies this run of a loop's body, for random numbers
/// node_ns     by position in the graph: each node's time is added to its
///             entry; empty: nothing is timed
ProgramResult run_body(
    const Program::Body& body,
    std::vector<c10::IValue> inputs,
    std::span<const at::Tensor> states,
    const RandomKey& key,
    int64_t occurrence,
    std::span<uint64_t> node_ns = {});

/// Calls a random operator whose schema has no generator, after seeding the
/// process's own. Such calls exclude each other.
void call_seeded(
    const c10::OperatorHandle& op,
    torch::jit::Stack& stack,
    c10::Device device,
    uint64_t seed);

/// Runs a random operator that has a kernel of our own. It pops the arguments,
/// in schema order, and pushes the results.
void run_random(
    const Instruction& instruction, torch::jit::Stack& stack, uint64_t seed);

/// Differentiates our dropout kernels. It has no forward; record_dropout() is
/// called instead.
extern const Rule kDropoutRule;
/// Does what run_random() does for dropout, and keeps the mask.
void record_dropout(
    const Instruction& instruction,
    torch::jit::Stack& stack,
    uint64_t seed,
    Kept& kept);

/// Runs a branch or a loop.
///
/// occurrence  the run of the body that the instruction is part of
void run_control_flow(
    const Instruction& instruction,
    torch::jit::Stack& stack,
    const RandomKey& key,
    int64_t occurrence);

}  // namespace pp
