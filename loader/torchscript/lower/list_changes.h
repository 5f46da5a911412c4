#pragma once

#include "loader/torchscript/lower/node_call.h"

// Lowers the methods that change a list. They change the container during
// lowering and add nothing to the graph.
namespace pp::ts {

/// Lowers aten::_set_item: `list[i] = x`, or `dict[key] = x` (see
/// lower_set_entry()).
std::optional<Items> lower_set_item(const NodeCall& call);
/// Lowers aten::append.
std::optional<Items> lower_append(const NodeCall& call);
/// Lowers aten::extend, and aten::add_ (`list += other`) on lists.
std::optional<Items> lower_extend(const NodeCall& call);
/// Lowers aten::insert.
std::optional<Items> lower_insert(const NodeCall& call);
/// Lowers aten::pop, on dicts too.
std::optional<Items> lower_pop(const NodeCall& call);
/// Lowers aten::Delete: `del list[i]`, or `del dict[key]`.
std::optional<Items> lower_delete(const NodeCall& call);
/// Lowers aten::reverse.
std::optional<Items> lower_reverse(const NodeCall& call);
/// Lowers aten::sort on lists of known numbers or strings.
std::optional<Items> lower_sort(const NodeCall& call);
/// Lowers aten::remove.
std::optional<Items> lower_remove(const NodeCall& call);
/// Lowers aten::clear, on dicts too.
std::optional<Items> lower_clear(const NodeCall& call);

}  // namespace pp::ts
