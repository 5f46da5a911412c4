#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "loader/ir/graph.h"

namespace pp::ir {

/// Appends a value and returns its id.
ValueId add_value(Graph& graph, Value value);

/// Finds a value by name, or returns kNoValue. Linear in the number of values.
ValueId try_find_value(const Graph& graph, std::string_view name);

/// Calls `visit` with every value that `arg` reads, in order, lists included.
/// Operands that a sub-graph captures are ordinary arguments of its node.
void for_each_ref(const Arg& arg, const std::function<void(ValueId)>& visit);
void for_each_ref(Arg& arg, const std::function<void(ValueId&)>& visit);

/// Values that a node reads or defines, in order. Repeats are included,
/// kNoValue is not.
std::vector<ValueId> reads_of(const Node& node);
std::vector<ValueId> defines_of(const Node& node);

/// FQN of the innermost module under which a node ran; empty for the root.
const std::string& module_of(const Node& node);

/// Whether `fqn` is `prefix` or lies below it ("h.1" covers "h.1.attn", not
/// "h.10"). The empty prefix covers everything.
bool is_under(std::string_view fqn, std::string_view prefix);

/// Index of the state with this FQN or alias, or -1.
int try_find_state(const Graph& graph, std::string_view fqn);

}  // namespace pp::ir
