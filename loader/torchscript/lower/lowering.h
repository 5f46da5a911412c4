#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/core/ivalue.h>

#include "loader/allowed/allowed_operators.h"
#include "loader/archive/zip_reader.h"
#include "loader/model/model.h"
#include "loader/torchscript/lower/items.h"

namespace pp::ts {

/// The record from which each storage was read, by the storage's address. Empty
/// storages have no entry.
using StorageRecords = std::map<const void*, const ZipRecord*>;

/// Identifies an attribute of an object: the object's address and the
/// attribute's name.
using AttributeKey = std::pair<const void*, std::string>;

/// Makes names that are unique in one graph.
class UniqueNames {
 public:
  /// Returns `stem` without leading underscores. If that name was returned
  /// before, appends a number.
  std::string make(std::string_view stem);

 private:
  std::set<std::string> names_;
  // The next number to append, by stem.
  std::map<std::string, int> next_number_;
};

/// Contents of a container at some point of the code.
struct ContainerContents {
  std::shared_ptr<Container> container;
  Items items;
  std::vector<std::string> keys;
};

/// An unfinished block that waits until its inner block is lowered.
struct OuterBlock {
  std::vector<ir::Node> nodes;
  /// The block's Lowering::open_nodes.
  std::set<size_t> open_nodes;
  /// Whether the inner block is a side of a branch, which may change containers
  /// that were made outside of it.
  bool has_branch = false;
  /// The containers that the inner block has changed, each with its contents
  /// before the first change, in the order of the first changes.
  std::vector<ContainerContents> before_changes = {};
};

/// The state of one lowering: the graph built so far, and what is known about
/// its values. All functions in this folder work on this state.
struct Lowering {
  std::string where;                ///< names the file in messages
  const AllowedOperators& allowed;  ///< owned by the caller
  const StorageRecords& storages;   ///< owned by the caller
  /// Whether the file also has the graph that `pp` made from the code. It
  /// states sizes that can't be derived from the code of a stage.
  bool has_graph = false;

  /// `graph.nodes` holds the nodes of the innermost open block.
  ir::Graph graph = {};
  std::map<std::string, StateRecord> state_records = {};  ///< by FQN
  /// A hint for each value, indexed by ValueId: its meta tensor, or the number
  /// that it had with the example inputs; nullopt if nothing is known about the
  /// value.
  std::vector<std::optional<c10::IValue>> hints = {};
  UniqueNames names = {};

  /// The states that modules own, by object and attribute.
  std::map<AttributeKey, GraphValue> attributes = {};
  /// All other attributes that were read, by object and attribute. Every read
  /// of a list or dict returns the same container.
  std::map<AttributeKey, Item> constant_attributes = {};
  /// The tensors that code has assigned to buffers, by the buffers' states.
  std::map<ir::ValueId, GraphValue> assigned_buffers = {};
  /// The literals that became states, by the addresses of their TensorImpl.
  std::map<const void*, GraphValue> literals = {};
  int num_literal_names = 0;
  StepCounter steps = {};

  /// The modules that the next node runs under, outermost first.
  std::vector<ir::ModuleFrame> modules = {};
  int call_depth = 0;
  /// The number of `no_grad` blocks around the next node.
  int no_grad_depth = 0;
  /// Tensors that need no gradient, because they were detached or made in a
  /// `no_grad` block and have not been written in place since.
  std::set<ir::ValueId> without_grad = {};
  /// Whether the graph has an operator that quantises tensors.
  bool has_quantised = false;
  /// For each float that a rounding returned: a value of the graph that holds
  /// the same number as an integer.
  std::map<ir::ValueId, GraphValue> rounded = {};

  /// Positions in `graph.nodes` of the nodes that return a list whose length is
  /// still unknown.
  std::set<size_t> open_nodes = {};
  /// The blocks around the innermost open block, outermost first.
  std::vector<OuterBlock> outer_blocks = {};

  size_t block_depth() const { return outer_blocks.size(); }
  ir::Value& value(ir::ValueId id) {
    return graph.values[static_cast<size_t>(id)];
  }
  const ir::Value& value(ir::ValueId id) const {
    return graph.values[static_cast<size_t>(id)];
  }
};

}  // namespace pp::ts
