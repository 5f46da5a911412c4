#pragma once

#include "loader/torchscript/lower/node_call.h"

// Lowers nodes that make or read lists, tuples and dicts. These containers
// exist only during lowering; the graph has only their items.
namespace pp::ts {

/// Lowers prim::ListConstruct, prim::TupleConstruct and prim::DictConstruct.
std::optional<Items> lower_construct(const NodeCall& call);

/// Lowers prim::ListUnpack and prim::TupleUnpack. Unpacking a list of unknown
/// length fixes the length.
std::optional<Items> lower_unpack(const NodeCall& call);

/// Lowers aten::__getitem__ and prim::TupleIndex.
std::optional<Items> lower_get_item(const NodeCall& call);

/// Lowers aten::list and aten::copy of a list, or aten::copy of a dict.
std::optional<Items> lower_copy_list(const NodeCall& call);

/// Lowers aten::add of two lists.
std::optional<Items> lower_join_lists(const NodeCall& call);

/// Lowers aten::mul of a list and a number.
std::optional<Items> lower_repeat_list(const NodeCall& call);

/// Lowers aten::slice of a list.
std::optional<Items> lower_slice_list(const NodeCall& call);

}  // namespace pp::ts
