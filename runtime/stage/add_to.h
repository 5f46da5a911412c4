#pragma once

#include <ATen/core/Tensor.h>

namespace pp {

/// Adds a term to a sum of gradients. Undefined is none; what either holds is
/// not written.
inline void add_to(at::Tensor& sum, const at::Tensor& term) {
  if (term.defined()) {
    sum = sum.defined() ? sum.add(term) : term;
  }
}

}  // namespace pp
