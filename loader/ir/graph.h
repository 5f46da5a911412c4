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

// What an argument of a node can be.
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

/// Element kind of a list argument; needed where the list is empty or mixed.
enum class ListKind {
  Tensors,
  OptionalTensors,
  Ints,  ///< ints, and Refs to Int values among them
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

/// A named, typed value: defined by an input, a state or a node's output.
struct Value {
  std::string name;  ///< unique in its graph
  Type type;
  std::optional<TensorMeta> tensor;  ///< Tensor: shape contract
  std::optional<Dim> scalar;         ///< Int, Float, Bool: symbol and hint
};

struct NamedArg {
  std::string name;  ///< the schema's name for it; empty: positional
  Arg arg;
  bool keyword = false;
};

/// One result by the operator's schema: one value, or a list of them. An id is
/// kNoValue where the exporter dropped an unused result.
struct NodeOutput {
  std::vector<ValueId> ids;
  bool is_list = false;
};

/// One call on the module stack a node ran under.
struct ModuleFrame {
  std::string key;  ///< the exporter's identity of the call
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

/// What an operator does beside computing its outputs, by its schema.
struct Effects {
  std::vector<ValueId> writes;  ///< inputs it writes in place
  /// (output, input) pairs that share memory
  std::vector<std::pair<ValueId, ValueId>> aliases;
  bool random = false;  ///< tag nondeterministic_seeded
};

struct Node {
  std::string target;  ///< "aten.linear.default", "getitem", "prim::If"
  std::vector<NamedArg> inputs;
  std::vector<NodeOutput> outputs;
  std::vector<ModuleFrame> modules;  ///< outermost (root) first
  bool grad_enabled = true;
  std::optional<Autocast> autocast;  ///< none: as the caller has it
  Effects effects;
  std::string name;  ///< the exporter's, if it gave one
  std::map<std::string, std::string> metadata;  ///< carried through, not read
};

/// A value the caller passes.
struct Input {
  std::string name;  ///< as the user says it: "input_ids"
  ValueId value = kNoValue;
  bool keyword = false;  ///< passed by name; otherwise by position
};

enum class StateKind { Parameter, Buffer, Constant };

/// A tensor the graph owns. Tied parameters are one State with aliases.
struct State {
  std::string fqn;
  StateKind kind = StateKind::Parameter;
  bool persistent = true;  ///< buffers: in the state dict
  ValueId value = kNoValue;
  std::vector<std::string> aliases;  ///< further FQNs of the same storage
};

struct Output {
  std::string name;  ///< from the tree spec ("logits"), or "output_0"
  Arg value;         ///< Ref, or a constant
};

/// A functional graph's new value of a buffer, written back after each run.
struct Mutation {
  std::string fqn;
  ValueId value = kNoValue;
};

/// Bounds of a symbol in a Dim's expression; an open side is not set.
struct Range {
  std::optional<int64_t> min;
  std::optional<int64_t> max;
};

/// A model, a stage or a sub-graph: flat, in execution order. `lint` (lint.h)
/// states its invariants; text.h prints and parses it.
struct Graph {
  std::vector<Value> values;
  std::vector<Input> inputs;
  std::vector<State> states;
  std::vector<Node> nodes;
  std::vector<Output> outputs;
  std::vector<Mutation> mutations;
  std::map<std::string, Range> ranges;
};

}  // namespace pp::ir
