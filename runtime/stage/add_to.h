#pragma once

#include <ATen/core/Tensor.h>

namespace pp {

/// Adds a term to a sum of gradients, either of which may be undefined. Neither
/// tensor is written in place.
inline void add_to(at::Tensor& sum, const at::Tensor& term) {
  if (term.defined()) {
    sum = sum.defined() ? sum.add(term) : term;
  }
}

}  // namespace pp
