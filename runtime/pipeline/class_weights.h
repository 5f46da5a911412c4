#pragma once

#include <ATen/core/Tensor.h>

#include "runtime/options/loss.h"

namespace pp {

/// Returns the class weights that a job gives, float64 [C]; undefined if it
/// gives none.
/// throws  Error(Input) naming the file: it isn't a .npy file with a list of
///         numbers, has a weight that is negative or not finite, or only
///         zeros
at::Tensor class_weights(const ClassWeights& weights);

}  // namespace pp
