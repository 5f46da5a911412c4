#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/variable.h>

#include "runtime/program/split_backward.h"
#include "tests/program/graphs.h"

namespace pp::testing {

/// What a run and its backward give: outputs, then the gradients of the inputs
/// and of the states, undefined where there is none.
struct Outcome {
  std::vector<at::Tensor> outputs;
  std::vector<at::Tensor> gradients;
  size_t num_islands = 0;
};

inline bool takes_gradient(const at::Tensor& tensor) {
  return tensor.is_floating_point();
}

inline std::vector<at::Tensor> fresh(
    const std::vector<at::Tensor>& tensors, bool requires_grad) {
  std::vector<at::Tensor> out;
  for (const at::Tensor& tensor : tensors) {
    out.push_back(tensor.detach().clone().set_requires_grad(
        requires_grad && takes_gradient(tensor)));
  }
  return out;
}

/// A gradient that differs from element to element.
inline at::Tensor some_gradient(const at::Tensor& of) {
  return at::arange(of.numel(), of.options())
      .add(1)
      .mul(0.37)
      .sin()
      .reshape(of.sizes());
}

/// The program under LibTorch's autograd.
inline Outcome by_autograd(
    const Program& program,
    const std::vector<at::Tensor>& inputs,
    const std::vector<at::Tensor>& states,
    int times = 1) {
  const c10::AutoGradMode with_gradients(true);
  Outcome out;
  const std::vector<at::Tensor> held = fresh(states, true);
  std::vector<at::Tensor> leaves;
  for (int i = 0; i < times; ++i) {
    leaves = fresh(inputs, true);
    // What is written in place must not be a leaf.
    std::vector<c10::IValue> entered;
    for (size_t k = 0; k < leaves.size(); ++k) {
      entered.emplace_back(
          program.written_inputs()[k] ? leaves[k].clone() : leaves[k]);
    }
    out.outputs.clear();
    std::vector<BackwardRoot> roots;
    for (const c10::IValue& output :
         program.run(std::move(entered), held, {}).outputs) {
      const at::Tensor tensor = output.toTensor();
      if (tensor.requires_grad()) {
        roots.push_back(
            {torch::autograd::impl::gradient_edge(tensor),
             some_gradient(tensor.detach())});
      }
      out.outputs.push_back(tensor.detach());
    }
    run_backward(roots);
  }
  for (const std::vector<at::Tensor>& tensors : {leaves, held}) {
    for (const at::Tensor& tensor : tensors) {
      out.gradients.push_back(tensor.grad());
    }
  }
  return out;
}

/// The program on a tape, its backward in one or in two halves.
inline Outcome by_tape(
    const Program& program,
    const std::vector<at::Tensor>& inputs,
    const std::vector<at::Tensor>& states,
    bool in_halves,
    int times = 1) {
  Outcome out;
  const std::vector<at::Tensor> held = fresh(states, true);
  std::vector<at::Tensor> of_inputs;
  for (int i = 0; i < times; ++i) {
    std::vector<c10::IValue> entered;
    std::vector<uint8_t> wanted;
    for (const at::Tensor& input : fresh(inputs, false)) {
      wanted.push_back(takes_gradient(input) ? 1 : 0);
      entered.emplace_back(input);
    }
    RecordedRun run = program.record(std::move(entered), wanted, held, {});
    out.outputs.clear();
    for (size_t k = 0; k < run.result.outputs.size(); ++k) {
      out.outputs.push_back(run.result.outputs[k].toTensor());
      if (run.requires_grad[k]) {
        run.tape.seed(k, some_gradient(out.outputs.back()));
      }
    }
    out.num_islands = run.tape.num_islands();
    if (in_halves) {
      run.tape.backward(Half::Inputs);
      run.tape.backward(Half::Weights);
    } else {
      run.tape.backward(Half::Both);
    }
    of_inputs.clear();
    for (size_t k = 0; k < inputs.size(); ++k) {
      of_inputs.push_back(run.tape.take_gradient(k));
    }
  }
  out.gradients = of_inputs;
  for (const at::Tensor& state : held) {
    out.gradients.push_back(state.grad());
  }
  return out;
}

inline bool same(const at::Tensor& a, const at::Tensor& b) {
  return a.defined() == b.defined() &&
         (!a.defined() || (a.sizes() == b.sizes() &&
                           a.scalar_type() == b.scalar_type() && a.equal(b)));
}

}  // namespace pp::testing
