#pragma once

#include <ATen/core/Tensor.h>

#include "runtime/transport/message.h"

namespace pp {

/// The form in which a tensor crosses a border, the same for every transport
/// and for an unsplit reference run: detached, without pending conjugation or
/// negation, and dense. Dense tensors in any dimension order keep their strides
/// and their memory (no copy); overlapping or gapped ones are copied to
/// contiguous ones. Undefined stays undefined.
at::Tensor canonical(const at::Tensor& tensor);

/// A canonical tensor's memory as one dimension, which is all that c10d sends.
at::Tensor flat_memory(const at::Tensor& dense);

/// Every tensor of the message made canonical.
Message canonical(Message message);

}  // namespace pp
