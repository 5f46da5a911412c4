#pragma once

#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/edge.h>
#include <torch/csrc/autograd/function.h>

namespace pp {

/// Where a backward starts: an edge and the gradient that enters there.
struct BackwardRoot {
  torch::autograd::Edge edge;
  at::Tensor gradient;
};

/// The weight half of a backward, waiting to be run.
struct DeferredWeights {
  std::vector<BackwardRoot> roots;
};

/// Runs the input half of a backward: the gradients of `inputs`, and no
/// parameter's.
///
/// The autograd graph is cut at the edges that leave the paths to the inputs.
/// One engine run captures the gradients that arrive at the nodes before those
/// edges; what the deferred half no longer needs is released.
///
/// inputs   where their gradients arrive
/// returns  these, by position, undefined where none arrives; `deferred` is
///          what run_weights() takes. Without any input everything is deferred.
std::vector<at::Tensor> run_inputs(
    std::vector<BackwardRoot> roots,
    const std::vector<torch::autograd::Edge>& inputs,
    DeferredWeights& deferred);

/// Adds to the parameters' gradients what run_inputs left out. Together they
/// do the work of one full backward, but for nodes whose backward computes
/// both kinds of gradient at once.
void run_weights(DeferredWeights deferred);

/// A whole backward: accumulates in every leaf.
void run_backward(const std::vector<BackwardRoot>& roots);

}  // namespace pp
