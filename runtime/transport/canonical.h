#pragma once

#include <ATen/core/Tensor.h>

#include "runtime/transport/message.h"

namespace pp {

/// Converts a tensor to the form in which it crosses a border, the same for
/// every transport and for an unsplit reference run: detached, without pending
/// conjugation or negation, and dense. Dense tensors in any dimension order
/// keep their strides and their memory (no copy); overlapping or gapped ones
/// are copied to dense ones with the same order of dimensions, as `clone` does.
/// An undefined tensor stays undefined.
at::Tensor canonical(const at::Tensor& tensor);

/// The memory of a canonical tensor as a tensor of one dimension, because c10d
/// sends no others.
at::Tensor flat_memory(const at::Tensor& dense);

/// The message with every tensor made canonical.
Message canonical(Message message);

}  // namespace pp
