#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "loader/ir/graph.h"

namespace pp::ir {

/// Appends a value and returns its id.
ValueId add_value(Graph& graph, Value value);

/// Finds a value by name; kNoValue if there is none. Takes time linear in the
/// number of values.
ValueId try_find_value(const Graph& graph, std::string_view name);

/// Calls `visit` with every value that `arg` refers to, in order, including
/// values in lists. Sub-graphs are skipped: the values that they capture are
/// ordinary arguments of the node.
void for_each_ref(const Arg& arg, const std::function<void(ValueId)>& visit);
void for_each_ref(Arg& arg, const std::function<void(ValueId&)>& visit);

/// The values that a node reads (`reads_of`) or defines (`defines_of`), in
/// order. Duplicates are kept; kNoValue is left out.
std::vector<ValueId> reads_of(const Node& node);
std::vector<ValueId> defines_of(const Node& node);

/// The FQN of the innermost module under which a node ran; empty for the root.
const std::string& module_of(const Node& node);

/// Whether `fqn` is `prefix` or a module below it ("h.1" covers "h.1.attn", not
/// "h.10"). The empty prefix covers all modules.
bool is_under(std::string_view fqn, std::string_view prefix);

/// Finds the index of the state with this FQN or alias; -1 if there is none.
int try_find_state(const Graph& graph, std::string_view fqn);

}  // namespace pp::ir
