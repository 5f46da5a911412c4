#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

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
  std::vector<at::Tensor> states;  ///< afterwards
  size_t num_islands = 0;
};

inline bool takes_gradient(const at::Tensor& tensor) {
  return tensor.is_floating_point();
}

inline std::vector<at::Tensor> fresh(
    const std::vector<at::Tensor>& inputs, bool requires_grad) {
  std::vector<at::Tensor> out;
  for (const at::Tensor& input : inputs) {
    out.push_back(input.detach().clone().set_requires_grad(
        requires_grad && takes_gradient(input)));
  }
  return out;
}

inline std::vector<at::Tensor> fresh_states(
    const std::vector<at::Tensor>& states, bool frozen) {
  std::vector<at::Tensor> out;
  for (const at::Tensor& state : states) {
    out.push_back(state.detach().clone().set_requires_grad(
        !frozen && state.requires_grad()));
  }
  return out;
}

/// A gradient that differs from element to element.
///
/// strided  its dimensions lie in memory in the other order
inline at::Tensor some_gradient(const at::Tensor& of, bool strided = false) {
  const at::Tensor out = at::arange(of.numel(), of.options())
                             .add(1)
                             .mul(0.37)
                             .sin()
                             .reshape(of.sizes());
  if (!strided) {
    return out;
  }
  std::vector<int64_t> reversed;
  for (int64_t dim = of.dim(); dim-- > 0;) {
    reversed.push_back(dim);
  }
  return out.permute(reversed).contiguous().permute(reversed);
}

/// How a program is run and taken back.
struct Way {
  bool in_halves = false;
  bool strided = false;  ///< the gradient that comes in
  bool frozen = false;   ///< states require no gradient
  int times = 2;         ///< microbatches
};

/// The program under LibTorch's autograd.
inline Outcome by_autograd(
    const Program& program,
    const std::vector<at::Tensor>& inputs,
    const std::vector<at::Tensor>& states,
    const Way& way) {
  const c10::AutoGradMode with_gradients(true);
  Outcome out;
  const std::vector<at::Tensor> held = fresh_states(states, way.frozen);
  std::vector<at::Tensor> leaves;
  for (int i = 0; i < way.times; ++i) {
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
             some_gradient(tensor.detach(), way.strided)});
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
  out.states = held;
  return out;
}

/// The program on a tape, its backward in one or in two halves.
inline Outcome by_tape(
    const Program& program,
    const std::vector<at::Tensor>& inputs,
    const std::vector<at::Tensor>& states,
    const Way& way) {
  Outcome out;
  const std::vector<at::Tensor> held = fresh_states(states, way.frozen);
  std::vector<at::Tensor> of_inputs;
  for (int i = 0; i < way.times; ++i) {
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
        run.tape.seed(k, some_gradient(out.outputs.back(), way.strided));
      }
    }
    out.num_islands = run.tape.num_islands();
    if (way.in_halves) {
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
  out.states = held;
  return out;
}

inline bool same(const at::Tensor& a, const at::Tensor& b) {
  return a.defined() == b.defined() &&
         (!a.defined() || (a.sizes() == b.sizes() &&
                           a.scalar_type() == b.scalar_type() && a.equal(b)));
}

/// Every way of the tape against autograd, to the bit.
///
/// states  parameters require a gradient, buffers do not
inline void expect_autograds_bits(
    const Program& reference,
    const Program& program,
    const std::vector<at::Tensor>& inputs,
    const std::vector<at::Tensor>& states,
    size_t num_islands) {
  for (const bool frozen : {false, true}) {
    for (const bool strided : {false, true}) {
      Way way{.strided = strided, .frozen = frozen};
      const Outcome expected = by_autograd(reference, inputs, states, way);
      for (const bool in_halves : {false, true}) {
        way.in_halves = in_halves;
        const Outcome actual = by_tape(program, inputs, states, way);
        const std::string where = std::string(in_halves ? ", in halves" : "") +
                                  (strided ? ", strided" : "") +
                                  (frozen ? ", frozen" : "");
        if (!frozen) {
          EXPECT_EQ(actual.num_islands, num_islands) << where;
        }
        EXPECT_TRUE(same(actual.outputs[0], expected.outputs[0])) << where;
        ASSERT_EQ(actual.gradients.size(), expected.gradients.size());
        for (size_t i = 0; i < expected.gradients.size(); ++i) {
          EXPECT_TRUE(same(actual.gradients[i], expected.gradients[i]))
              << "gradient " << i << where << ":\n"
              << actual.gradients[i] << "\nbut autograd's\n"
              << expected.gradients[i];
        }
        for (size_t i = 0; i < states.size(); ++i) {
          EXPECT_TRUE(same(actual.states[i], expected.states[i]))
              << "state " << i << where;
        }
      }
    }
  }
}

}  // namespace pp::testing
