#pragma once

#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/edge.h>
#include <torch/csrc/autograd/function.h>

namespace pp {

/// A start of a backward: an edge, and the gradient that enters the graph
/// there.
struct BackwardRoot {
  torch::autograd::Edge edge;
  at::Tensor gradient;
};

/// The weight half of a backward, which run_weights() has yet to run.
struct DeferredWeights {
  std::vector<BackwardRoot> roots;
};

/// Runs the input half of a backward, which computes the gradients of `inputs`
/// but not those of parameters.
///
/// The autograd graph is cut at the edges that leave the paths to the inputs.
/// One run of the engine captures the gradients that arrive at the nodes before
/// these edges. Memory that the weight half doesn't need is released.
///
/// inputs    edges at which the inputs' gradients arrive; if there are none,
///           everything is deferred
/// deferred  receives what run_weights() needs
/// returns   the gradients of the inputs, in the order of `inputs`; undefined
///           where none arrived
std::vector<at::Tensor> run_inputs(
    std::vector<BackwardRoot> roots,
    const std::vector<torch::autograd::Edge>& inputs,
    DeferredWeights& deferred);

/// Runs the weight half of a backward, which adds to the parameters' gradients
/// what run_inputs() left out. Together the two halves do the work of one full
/// backward, except that a node that computes both kinds of gradient at once
/// runs twice.
void run_weights(DeferredWeights deferred);

/// Runs a whole backward, which accumulates gradients in every leaf.
void run_backward(const std::vector<BackwardRoot>& roots);

}  // namespace pp
