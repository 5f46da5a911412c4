#pragma once

#include <string_view>

#include "loader/ir/graph.h"

namespace pp {

/// The operator's name without its namespace and overload: "add_" for both
/// "aten.add_.Tensor" and "aten::add_.Tensor".
std::string_view operator_name(std::string_view target);

/// The value that a node's argument refers to; kNoValue if the argument is
/// missing or not a reference. The argument is looked up by its name in the
/// schema, then by position.
ir::ValueId argument_value(
    const ir::Node& node, std::string_view name, size_t position);

/// The inputs whose data a node changes in place. Empty for `detach_`, which
/// changes the tensor's history, not its data.
const std::vector<ir::ValueId>& data_writes(const ir::Node& node);

/// Whether a value is a number or a bool.
bool is_scalar(const ir::Value& value);

/// Whether a node is the marker that torch's `pipe_split()` leaves in a graph.
bool is_marker(const ir::Node& node);

/// Whether a node computes or changes anything other than sizes. False for
/// markers and assertions.
bool does_work(const ir::Graph& graph, const ir::Node& node);

/// Number of elements of a tensor, computed with the hints of symbolic sizes; 0
/// if the sizes are unknown.
uint64_t num_elements(const ir::TensorMeta& meta);

/// Number of bytes to send for a value: the size of a tensor's data, or eight
/// for a number.
uint64_t num_bytes(const ir::Value& value);
uint64_t num_bytes(const ir::Type& type, const ir::TensorMeta& tensor);

}  // namespace pp
