#pragma once

#include "runtime/transport/message.h"

namespace pp {

/// Makes the tensors of a message canonical, and appends to `ints` a
/// description of which of them had gaps or expanded dimensions. Expanded
/// dimensions are sent once. The receiver needs tensors with the sender's
/// layout, see restore_gaps(), because the strides decide how kernels
/// compute.
///
/// A tensor whose elements overlap in any other way, such as windows of
/// `unfold`, arrives dense.
Message describe_gaps(Message message);

/// Removes the description from `ints` and gives the tensors the layout that
/// they had at the sender: the same order of dimensions, the same expanded
/// dimensions, and dimensions that can be viewed as one if the sender's could.
/// A gap is at most 64 elements wide, so that a narrow slice doesn't cost the
/// memory of the whole tensor.
///
/// throws  Error(Runtime): the description doesn't fit the tensors
Message restore_gaps(Message message);

}  // namespace pp
