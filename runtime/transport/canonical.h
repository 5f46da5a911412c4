#pragma once

#include <ATen/core/Tensor.h>

#include "runtime/transport/message.h"

namespace pp {

/// Converts a tensor to the form in which it crosses a border, which is the
/// same for every transport and for an unsplit reference run: detached, without
/// pending conjugation or negation, and dense. A tensor that is dense in any
/// order of dimensions keeps its strides and its memory (no copy); an
/// overlapping or gapped one is copied to a dense one with the same order of
/// dimensions, as `clone` does. An undefined tensor stays undefined.
at::Tensor canonical(const at::Tensor& tensor);

/// Returns the memory of a canonical tensor as a tensor of one dimension,
/// because c10d sends only such tensors.
at::Tensor flat_memory(const at::Tensor& dense);

/// Returns the message with every tensor in canonical form.
Message canonical(Message message);

}  // namespace pp
