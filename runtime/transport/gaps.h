#pragma once

#include "runtime/transport/message.h"

namespace pp {

/// Makes the tensors of a message canonical, and describes at the end of `ints`
/// which of them had gaps or expanded dimensions. Expanded dimensions are sent
/// once. Kernels choose by strides how they compute, so the receiver needs
/// tensors that are laid out like the sender's: see restore_gaps().
///
/// A tensor whose elements overlap otherwise (windows of `unfold`) arrives
/// dense.
Message describe_gaps(Message message);

/// Removes the description from `ints` and lays the tensors out as the sender
/// had them: dimensions have the same order, are expanded, and can be viewed as
/// one if they could be; a gap is at most 64 elements wide, so that a narrow
/// slice doesn't cost the memory of the whole tensor.
///
/// throws  Error(Runtime): the description doesn't fit the tensors
Message restore_gaps(Message message);

}  // namespace pp
