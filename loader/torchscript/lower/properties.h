#pragma once

#include "loader/torchscript/lower/node_call.h"

// Lowers queries about tensors and lists: sizes, lengths, element types,
// devices. None of them reads elements.
namespace pp::ts {

/// Lowers aten::size to one size as a number, or to all sizes as TensorSizes.
std::optional<Items> lower_size(const NodeCall& call);

/// Lowers aten::len of a list, or of the sizes of a tensor.
std::optional<Items> lower_length(const NodeCall& call);

/// Lowers aten::dim.
std::optional<Items> lower_num_dims(const NodeCall& call);

/// Lowers prim::dtype.
std::optional<Items> lower_element_type(const NodeCall& call);

/// Lowers aten::is_floating_point.
std::optional<Items> lower_is_floating_point(const NodeCall& call);

/// Lowers prim::requires_grad.
std::optional<Items> lower_requires_grad(const NodeCall& call);

/// Lowers the queries for nested and sparse tensors to false, because only
/// dense tensors are loaded and operators that make other tensors are refused.
std::optional<Items> lower_no_special_layout(const NodeCall& call);

/// Lowers the query for quantised tensors to false.
/// throws  Error(Input): the model has quantised a tensor before this query
std::optional<Items> lower_is_quantised(const NodeCall& call);

/// Lowers prim::device to the CPU. A runtime that runs the graph on another
/// device replaces the CPU by that device.
std::optional<Items> lower_device(const NodeCall& call);

}  // namespace pp::ts
