#pragma once

#include <ATen/core/Tensor.h>

namespace pp {

/// Adds `term` to the sum of gradients `sum`. Either may be undefined, which
/// counts as zero. Writes neither tensor in place.
inline void add_to(at::Tensor& sum, const at::Tensor& term) {
  if (term.defined()) {
    sum = sum.defined() ? sum.add(term) : term;
  }
}

}  // namespace pp
