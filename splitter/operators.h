#pragma once

#include <string_view>

#include "loader/ir/graph.h"

namespace pp {

/// The operator without namespace and overload: "add_" of "aten.add_.Tensor"
/// and of "aten::add_.Tensor".
std::string_view operator_name(std::string_view target);

/// The value that a node's argument refers to: the argument of that schema
/// name, else the one at that position. kNoValue: it is no reference.
ir::ValueId argument_value(
    const ir::Node& node, std::string_view name, size_t position);

/// Inputs whose data a node changes in place. `detach_` counts as none: it
/// changes the tensor's history, not its data.
const std::vector<ir::ValueId>& data_writes(const ir::Node& node);

/// Whether a value is a number or truth value that can travel as one.
bool is_scalar(const ir::Value& value);

/// The marker that torch's `pipe_split()` leaves in a graph.
bool is_marker(const ir::Node& node);

/// Whether a node computes or changes anything but sizes: not a size, a
/// marker, or an assertion.
bool does_work(const ir::Graph& graph, const ir::Node& node);

/// Elements of a tensor, by hint where sizes are symbolic.
uint64_t num_elements(const ir::TensorMeta& meta);

/// Bytes of a value on the wire: a tensor's, or eight.
uint64_t num_bytes(const ir::Value& value);

}  // namespace pp
