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
    Constant,  ///< `index` is a position in Body::constants
    Slot,      ///< `index` is a value, which stays in its slot
    LastUse,   ///< `index` is a value, which is moved out of its slot
    List,      ///< `index` is a position in Body::lists
  };
  From from = From::Constant;
  /// Whether the slot holds a number where the schema asks for a tensor.
  bool wrap_number = false;
  int32_t index = 0;
};

/// A list argument whose items are not all constant, so that it is built at run
/// time.
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
  Dropout,  ///< from here to Attention: our own kernels, with keyed masks
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
  bool draws = false;          ///< whether it draws random numbers
  bool is_batch_norm = false;  ///< the result of has_batch_norm_backward()
  int16_t autocast = -1;       ///< position in Body::autocasts; -1: none
  int32_t generator_argument = -1;
  std::optional<c10::OperatorHandle> op;
  BuiltinFunction builtin = nullptr;
  /// Checks arguments of `op`; null if there is nothing to check.
  Precondition precondition = nullptr;
  std::vector<Operand> operands;
  std::vector<ir::NodeOutput> outputs;
  std::vector<ir::ValueId> dead;  ///< results that no instruction reads
  std::vector<std::unique_ptr<Program::Body>> blocks;  ///< sub-graphs
  int32_t node = 0;  ///< the node's position in the graph
  std::string target;
  std::string name;        ///< the result of node_name()
  std::string module;      ///< FQN of the module that the node belongs to
  std::string index_name;  ///< source_name() of its index tensor, or empty
  /// The rule that differentiates the operator; null if autograd does so, or if
  /// the operator has no gradient.
  const Rule* rule = nullptr;
  /// The value of each input of the rule (each item of a list is an input of
  /// its own, see Wanted); kNoValue where that input is a constant.
  std::vector<ir::ValueId> rule_inputs;
};

/// A range [begin, end) of instructions that a recorded run handles in the same
/// way.
struct Segment {
  enum class Kind : uint8_t {
    Straight,  ///< each call has a rule, or no gradient
    Island,    ///< autograd differentiates the range, as one graph
    Repeated,  ///< keeps only its inputs; runs again in the backward
  };
  struct Input {
    ir::ValueId value = 0;
    bool written = false;  ///< whether the segment writes it in place
  };

  Kind kind = Kind::Straight;
  size_t begin = 0;
  size_t end = 0;
  std::vector<Input> inputs;  ///< values that it reads but doesn't compute
  /// Values that the segment computes and that are read after it.
  std::vector<ir::ValueId> outputs;
  /// For Repeated: the segments that it consists of.
  std::vector<Segment> parts;
};

struct Program::Body {
  std::string where;
  c10::Device device = c10::kCPU;
  size_t num_values = 0;
  std::vector<c10::IValue> constants;
  std::vector<ListOperand> lists;
  std::vector<ir::Autocast> autocasts;
  std::vector<Instruction> instructions;
  std::vector<Segment> segments;  ///< divide all instructions, in order
  std::vector<ir::ValueId> inputs;
  std::vector<ir::ValueId> states;
  /// For each value, its position in `states`; -1: not a state.
  std::vector<int32_t> state_of;
  /// For each value, whether it has exactly one reader. If a state has one
  /// reader, that reader's gradient is added directly to the state's gradient;
  /// gradients of several readers are summed first, as autograd does.
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

/// Runs `body` once.
///
/// occurrence  identifies the run if `body` is a loop's body that runs several
///             times; random numbers depend on it
/// node_ns     one entry per node of the graph, to which the node's time in
///             nanoseconds is added; empty: nothing is timed
ProgramResult run_body(
    const Program::Body& body,
    std::vector<c10::IValue> inputs,
    std::span<const at::Tensor> states,
    const RandomKey& key,
    int64_t occurrence,
    std::span<uint64_t> node_ns = {});

/// Calls a random operator whose schema has no generator, after seeding the
/// process's own generator. Only one thread at a time makes such a call.
void call_seeded(
    const c10::OperatorHandle& op,
    torch::jit::Stack& stack,
    c10::Device device,
    uint64_t seed);

/// Runs a random operator that has a kernel of our own. Pops the operator's
/// arguments, in schema order, from the stack and pushes its results.
void run_random(
    const Instruction& instruction, torch::jit::Stack& stack, uint64_t seed);

/// The rule that differentiates our dropout kernels. It has no forward;
/// record_dropout() is called instead.
extern const Rule kDropoutRule;
/// Does what run_random() does for dropout, and adds the mask to `kept`.
void record_dropout(
    const Instruction& instruction,
    torch::jit::Stack& stack,
    uint64_t seed,
    Kept& kept);

/// Runs a branch or a loop.
///
/// occurrence  identifies the run of the body that contains the instruction
void run_control_flow(
    const Instruction& instruction,
    torch::jit::Stack& stack,
    const RandomKey& key,
    int64_t occurrence);

}  // namespace pp
