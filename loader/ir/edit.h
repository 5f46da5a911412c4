#pragma once

#include <functional>
#include <string>

#include "loader/ir/graph.h"

namespace pp::ir {

/// Calls `visit` for every field of a node that holds a value's id or kNoValue.
/// Sub-graphs are skipped, because they have their own values.
void for_each_id(Node& node, const std::function<void(ValueId&)>& visit);
/// Calls `visit` for every field of a graph and its nodes that holds an id.
void for_each_id(Graph& graph, const std::function<void(ValueId&)>& visit);

/// Removes a value that nothing defines or reads any more. Ids greater than
/// `id` decrease by one.
void erase_value(Graph& graph, ValueId id);

/// Replaces the device type `from` by `to` in the types of values and the
/// arguments of nodes, sub-graphs included.
void replace_device(
    Graph& graph, const std::string& from, const std::string& to);

}  // namespace pp::ir
