#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "loader/ir/types.h"

namespace pp::ir {

/// Index into Graph::values.
using ValueId = int32_t;
constexpr ValueId kNoValue = -1;

struct Graph;

// The alternatives that an argument of a node can hold, besides plain C++
// types.
struct None {
  bool operator==(const None&) const = default;
};
struct Ref {
  ValueId id = kNoValue;
  bool operator==(const Ref&) const = default;
};
struct Complex {
  double real = 0;
  double imag = 0;
  bool operator==(const Complex&) const = default;
};
struct OperatorName {
  std::string name;
  bool operator==(const OperatorName&) const = default;
};

/// The kind of a list argument's elements. It is stored because an empty or
/// mixed list doesn't reveal it.
enum class ListKind {
  Tensors,
  OptionalTensors,
  Ints,  ///< integers, and Refs to values of type Int
  Floats,
  Bools,
  Strings,
  Lists,
};

struct Arg;
struct List {
  ListKind kind = ListKind::Tensors;
  std::vector<Arg> items;
};
/// A graph that a control-flow node owns. Never null.
struct SubGraph {
  std::string name;
  std::shared_ptr<const Graph> graph;
};

struct Arg {
  std::variant<
      None,
      Ref,
      bool,
      int64_t,
      double,
      std::string,
      Complex,
      ScalarType,
      MemoryFormat,
      Layout,
      Device,
      OperatorName,
      List,
      SubGraph>
      value;
};

/// A named, typed value that an input, a state or a node's output defines.
struct Value {
  std::string name;  ///< unique within its graph
  Type type;
  std::optional<TensorMeta> tensor;  ///< set for a Tensor
  /// For an Int, Float or Bool: its symbol and the value that it had at export.
  std::optional<Dim> scalar;
};

struct NamedArg {
  /// The argument's name in the schema; empty if it has none.
  std::string name;
  Arg arg;
  bool keyword = false;
};

/// One result of the operator's schema: a value or a list of values. An id is
/// kNoValue if the exporter dropped an unused result.
struct NodeOutput {
  std::vector<ValueId> ids;
  bool is_list = false;
};

/// One call on the stack of module calls under which a node ran.
struct ModuleFrame {
  std::string key;  ///< identifies the call; chosen by the exporter
  std::string fqn;  ///< "transformer.h.0"; empty for the root
  std::string type;
  bool operator==(const ModuleFrame&) const = default;
};

struct Autocast {
  std::string device_type;
  ScalarType dtype = ScalarType::BFloat16;
  bool enabled = true;
  bool cache_enabled = true;
  bool operator==(const Autocast&) const = default;
};

/// The effects that an operator has besides computing its outputs.
struct Effects {
  std::vector<ValueId> writes;  ///< inputs that are written in place
  /// (output, input) pairs that share memory.
  std::vector<std::pair<ValueId, ValueId>> aliases;
  /// Draws random numbers (the tag nondeterministic_seeded).
  bool random = false;
};

struct Node {
  std::string target;  ///< "aten.linear.default", "getitem", "prim::If"
  std::vector<NamedArg> inputs;
  std::vector<NodeOutput> outputs;
  std::vector<ModuleFrame> modules;  ///< outermost (root) first
  bool grad_enabled = true;
  std::optional<Autocast> autocast;  ///< nullopt: the caller's setting
  Effects effects;
  std::string name;  ///< chosen by the exporter; may be empty
  /// Data of the file's format, kept for that format's writer.
  std::map<std::string, std::string> metadata;
};

/// An input of the graph, which the caller passes.
struct Input {
  std::string name;  ///< the name that users see: "input_ids"
  ValueId value = kNoValue;
  bool keyword = false;  ///< passed by name rather than by position
};

enum class StateKind { Parameter, Buffer, Constant };

/// A tensor that the graph owns. Tied parameters are one State with aliases.
struct State {
  std::string fqn;
  StateKind kind = StateKind::Parameter;
  bool persistent = true;  ///< false for a buffer outside the state dict
  ValueId value = kNoValue;
  std::vector<std::string> aliases;  ///< further FQNs of the same tensor
  /// Names a group of states that share elements of memory but differ in sizes
  /// or strides, such as a parameter and its transposed view. All states of a
  /// group have the same string here: the FQN of one of them. Empty: the state
  /// is in no group.
  std::string memory = {};

  /// Whether the model's state_dict contains the state.
  bool in_state_dict() const {
    return kind == StateKind::Parameter ||
           (kind == StateKind::Buffer && persistent);
  }
};

struct Output {
  std::string name;  ///< name from the tree spec ("logits"), or "output_0"
  Arg value;         ///< a Ref or a constant
};

/// A buffer's new value, which a functional graph computes. The runtime writes
/// the value to the buffer after each run.
struct Mutation {
  std::string fqn;
  ValueId value = kNoValue;
};

/// Bounds of a symbol, both inclusive; nullopt: no bound.
struct Range {
  std::optional<int64_t> min;
  std::optional<int64_t> max;
};

/// A model, a stage or a sub-graph as a flat list of nodes in execution order.
/// lint.h states the invariants of a graph; text.h prints and parses graphs.
struct Graph {
  std::vector<Value> values;
  std::vector<Input> inputs;
  std::vector<State> states;
  std::vector<Node> nodes;
  std::vector<Output> outputs;
  std::vector<Mutation> mutations;
  /// The bounds of each symbol that occurs in a Dim::expr, by name.
  std::map<std::string, Range> ranges;
  /// Conditions on the inputs' sizes under which the graph was exported, in the
  /// language of Expression: "L['input_ids'].size()[1] % 2 == 0". The text in
  /// `L[...]` is an Input::name.
  std::vector<std::string> guards;
};

}  // namespace pp::ir
