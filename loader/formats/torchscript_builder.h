#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "loader/formats/torchscript_item.h"
#include "loader/model.h"

namespace pp::ts {

/// Makes a graph node by node. Beside each value it keeps what is known of it
/// by running the operators on meta tensors: sizes, element types.
class Builder {
 public:
  /// records  by address of a storage, see LoadedModule
  explicit Builder(const std::map<const void*, const ZipRecord*>& records)
      : records_(records) {}

  /// The modules that the next nodes run under, outermost first.
  std::vector<ir::ModuleFrame> frames;

  ir::Graph& graph() { return graph_; }
  std::map<std::string, StateRecord>& state_records() { return state_records_; }

  /// A new value; its name starts with `stem`.
  /// hint  a meta tensor, or a number as it was in the example, if known
  Made add_value(
      std::string_view stem,
      ir::TypeKind kind,
      const std::optional<c10::IValue>& hint = std::nullopt);

  /// A tensor of the archive as a state of the graph.
  Made add_state(
      const std::string& fqn,
      ir::StateKind kind,
      const at::Tensor& tensor,
      std::string_view stem);

  /// Calls an operator of the dispatcher with all its arguments, in order.
  /// returns  an item for each result
  /// throws   Error(Input): an argument that can't be one
  std::vector<Item> call(
      const c10::OperatorHandle& op, const std::vector<Item>& arguments);
  std::vector<Item> call(
      const char* name,
      const char* overload,
      const std::vector<Item>& arguments);

  /// Calls a function on numbers such as "_operator.add".
  Made call_builtin(
      std::string_view target,
      const std::vector<Item>& arguments,
      ir::TypeKind kind);

  /// A place where the model asks to be cut.
  void add_marker();

  /// Size `dim` of a tensor.
  Made size_of(ir::ValueId tensor, int64_t dim);

  /// Fixes the length of a list that a node gives.
  void settle(Compound& list, size_t length);

  /// The tensor or number as a value or constant, and lists of them.
  /// type  what the operator's schema wants, or null
  ir::Arg to_arg(const Item& item, const c10::TypePtr& type);

  /// Element type and number of dimensions, where they are known.
  std::optional<at::Tensor> try_hint(ir::ValueId id) const;
  std::optional<c10::IValue> try_hint(const Item& item) const;

  /// The number in a literal without dimensions, if its bytes were read.
  std::optional<c10::IValue> try_number(const Literal& literal) const;

  /// The nodes that follow belong to a branch or to the body of a loop, until
  /// close_block() gives them. Blocks lie in one another.
  void open_block();
  std::vector<ir::Node> close_block();
  size_t block_depth() const { return outer_.size(); }

  /// Adds a node that owns `blocks`: what their nodes read of the values around
  /// them becomes operands, behind `operands`.
  struct Block {
    std::string name;
    std::vector<ir::Node> nodes;
    std::vector<ir::ValueId> inputs;  ///< made for it: index, carried values
    std::vector<ir::Arg> outputs;
  };
  void add_control_flow(
      std::string_view target,
      const std::vector<ir::Arg>& conditions,
      const std::vector<ir::Arg>& operands,
      const std::vector<Block>& blocks,
      const std::vector<Made>& results);

  /// Drops what gave lists that nobody asked for.
  void finish();

 private:
  /// The same as finish(), in the block that is open.
  void drop_open_nodes();
  std::string unique_name(std::string_view stem);
  Made made_of(const Literal& literal);
  Made made_of(const Number& number);
  ir::Arg list_arg(const Compound& list, const c10::TypePtr& type);
  std::optional<std::vector<c10::IValue>> run_on_meta(
      const c10::OperatorHandle& op, const std::vector<Item>& arguments) const;
  /// Results need gradients where an operand does.
  void mark_gradients(const ir::Node& node);
  Item result(
      const c10::Argument& returned,
      std::string_view stem,
      const std::optional<c10::IValue>& hint,
      ir::NodeOutput& output);

  const std::map<const void*, const ZipRecord*>& records_;
  ir::Graph graph_;
  std::vector<std::optional<c10::IValue>> hints_;  // by value
  std::map<std::string, StateRecord> state_records_;
  std::map<const void*, Made> literals_;
  std::set<size_t> open_nodes_;
  struct Outer {
    std::vector<ir::Node> nodes;
    std::set<size_t> open_nodes;
  };
  std::vector<Outer> outer_;  // of the blocks that are open
  std::set<std::string> names_;
  std::map<std::string, int> next_number_;
};

}  // namespace pp::ts
