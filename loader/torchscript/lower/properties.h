#pragma once

#include "loader/torchscript/lower/node_call.h"

// Lowers queries of tensors and lists that need no computation: sizes, lengths,
// element types, devices.
namespace pp::ts {

/// Lowers aten::size to one size as a number, or to all of them as TensorSizes.
std::optional<Items> lower_size(const NodeCall& call);

/// Lowers aten::len of a list, or of the sizes of a tensor.
std::optional<Items> lower_length(const NodeCall& call);

/// Lowers aten::dim.
std::optional<Items> lower_num_dims(const NodeCall& call);

/// Lowers prim::dtype.
std::optional<Items> lower_element_type(const NodeCall& call);

/// Lowers prim::device to the CPU. Whoever runs the graph elsewhere replaces
/// it.
std::optional<Items> lower_is_floating_point(const NodeCall& call);
std::optional<Items> lower_requires_grad(const NodeCall& call);
/// Only dense tensors are loaded, so none is nested, sparse or quantised.
std::optional<Items> lower_no_special_layout(const NodeCall& call);
std::optional<Items> lower_device(const NodeCall& call);

}  // namespace pp::ts
