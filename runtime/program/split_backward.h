#pragma once

#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/edge.h>
#include <torch/csrc/autograd/function.h>

namespace pp {

/// The start of a backward: an edge, and the gradient that enters there.
struct BackwardRoot {
  torch::autograd::Edge edge;
  at::Tensor gradient;
};

/// The weight half of a backward, waiting to be run.
struct DeferredWeights {
  std::vector<BackwardRoot> roots;
};

/// Runs the input half of a backward: it computes the gradients of `inputs`,
/// but not those of parameters.
///
/// The autograd graph is cut at the edges that leave the paths to the inputs.
/// One engine run captures the gradients that arrive at the nodes before those
/// edges; what the deferred half no longer needs is released.
///
/// inputs    edges at which the inputs' gradients arrive; if there are none,
///           everything is deferred
/// deferred  gets what run_weights() needs
/// returns   the gradients by position; undefined where none arrives
std::vector<at::Tensor> run_inputs(
    std::vector<BackwardRoot> roots,
    const std::vector<torch::autograd::Edge>& inputs,
    DeferredWeights& deferred);

/// Adds to the parameters' gradients what run_inputs() left out. Together the
/// two do the work of one full backward, except that a node that computes both
/// kinds of gradient at once runs twice.
void run_weights(DeferredWeights deferred);

/// Runs a whole backward, which accumulates in every leaf.
void run_backward(const std::vector<BackwardRoot>& roots);

}  // namespace pp
