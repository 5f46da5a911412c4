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

/// The results of a run and its backward.
struct Outcome {
  std::vector<at::Tensor> outputs;
  /// Gradients of the inputs, then of the states; undefined where there is
  /// none.
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> states;  ///< their values after the run
  size_t num_islands = 0;
};

inline bool can_have_gradient(const at::Tensor& tensor) {
  return tensor.is_floating_point() || tensor.is_complex();
}

inline std::vector<at::Tensor> copies_of_inputs(
    const std::vector<at::Tensor>& inputs, bool requires_grad) {
  std::vector<at::Tensor> out;
  for (const at::Tensor& input : inputs) {
    out.push_back(input.detach().clone().set_requires_grad(
        requires_grad && can_have_gradient(input)));
  }
  return out;
}

inline std::vector<at::Tensor> copies_of_states(
    const std::vector<at::Tensor>& states, bool frozen) {
  std::vector<at::Tensor> out;
  for (const at::Tensor& state : states) {
    out.push_back(state.detach().clone().set_requires_grad(
        !frozen && state.requires_grad()));
  }
  return out;
}

/// Returns a gradient for `output` whose elements differ.
///
/// strided  lay its dimensions out in reverse order in memory
inline at::Tensor make_gradient(
    const at::Tensor& output, bool strided = false) {
  const c10::ScalarType real = c10::toRealValueType(output.scalar_type());
  at::Tensor out = at::arange(output.numel(), output.options().dtype(real))
                       .add(1)
                       .mul(0.37)
                       .sin()
                       .reshape(output.sizes());
  if (output.is_complex()) {
    out = at::complex(out, out.cos());
  }
  if (!strided) {
    return out;
  }
  std::vector<int64_t> reversed;
  for (int64_t dim = output.dim(); dim-- > 0;) {
    reversed.push_back(dim);
  }
  return out.permute(reversed).contiguous().permute(reversed);
}

/// How a program is run forward and backward.
struct RunMode {
  bool in_halves = false;    ///< input half, then weight half
  bool strided = false;      ///< gradients of the outputs are strided
  bool frozen = false;       ///< states require no gradient
  int num_microbatches = 2;  ///< gradients of states add up over them
};

/// Runs the program under LibTorch's autograd.
inline Outcome run_with_autograd(
    const Program& program,
    const std::vector<at::Tensor>& inputs,
    const std::vector<at::Tensor>& states,
    const RunMode& mode) {
  const c10::AutoGradMode with_gradients(true);
  Outcome out;
  const std::vector<at::Tensor> own_states =
      copies_of_states(states, mode.frozen);
  std::vector<at::Tensor> leaves;
  for (int i = 0; i < mode.num_microbatches; ++i) {
    leaves = copies_of_inputs(inputs, true);
    // Autograd forbids writing to a leaf in place.
    std::vector<c10::IValue> entered;
    for (size_t k = 0; k < leaves.size(); ++k) {
      entered.emplace_back(
          program.written_inputs()[k] ? leaves[k].clone() : leaves[k]);
    }
    out.outputs.clear();
    std::vector<BackwardRoot> roots;
    for (const c10::IValue& output :
         program.run(std::move(entered), own_states, {}).outputs) {
      const at::Tensor tensor = output.toTensor();
      if (tensor.requires_grad()) {
        roots.push_back(
            {torch::autograd::impl::gradient_edge(tensor),
             make_gradient(tensor.detach(), mode.strided)});
      }
      out.outputs.push_back(tensor.detach());
    }
    run_backward(roots);
  }
  for (const std::vector<at::Tensor>& tensors : {leaves, own_states}) {
    for (const at::Tensor& tensor : tensors) {
      out.gradients.push_back(tensor.grad());
    }
  }
  out.states = own_states;
  return out;
}

/// Records the program on a tape and runs its backward.
inline Outcome run_with_tape(
    const Program& program,
    const std::vector<at::Tensor>& inputs,
    const std::vector<at::Tensor>& states,
    const RunMode& mode) {
  Outcome out;
  const std::vector<at::Tensor> own_states =
      copies_of_states(states, mode.frozen);
  std::vector<at::Tensor> input_gradients;
  for (int i = 0; i < mode.num_microbatches; ++i) {
    std::vector<c10::IValue> entered;
    std::vector<uint8_t> wanted;
    for (const at::Tensor& input : copies_of_inputs(inputs, false)) {
      wanted.push_back(can_have_gradient(input) ? 1 : 0);
      entered.emplace_back(input);
    }
    RecordedRun run =
        program.record(std::move(entered), wanted, own_states, {});
    out.outputs.clear();
    for (size_t k = 0; k < run.result.outputs.size(); ++k) {
      out.outputs.push_back(run.result.outputs[k].toTensor());
      if (run.requires_grad[k]) {
        run.tape.seed(k, make_gradient(out.outputs.back(), mode.strided));
      }
    }
    out.num_islands = run.tape.num_islands();
    if (mode.in_halves) {
      run.tape.backward(Half::Inputs);
      run.tape.backward(Half::Weights);
    } else {
      run.tape.backward(Half::Both);
    }
    input_gradients.clear();
    for (size_t k = 0; k < inputs.size(); ++k) {
      input_gradients.push_back(run.tape.take_gradient(k));
    }
  }
  out.gradients = input_gradients;
  for (const at::Tensor& state : own_states) {
    out.gradients.push_back(state.grad());
  }
  out.states = own_states;
  return out;
}

inline bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  return a.defined() == b.defined() &&
         (!a.defined() || (a.sizes() == b.sizes() &&
                           a.scalar_type() == b.scalar_type() && a.equal(b)));
}

/// Expects from the tape, in every mode, the bits that autograd gives.
///
/// states  parameters, which require a gradient, and buffers, which don't
inline void expect_autograds_bits(
    const Program& reference,
    const Program& program,
    const std::vector<at::Tensor>& inputs,
    const std::vector<at::Tensor>& states,
    size_t num_islands) {
  for (const bool frozen : {false, true}) {
    for (const bool strided : {false, true}) {
      RunMode mode{.strided = strided, .frozen = frozen};
      const Outcome expected =
          run_with_autograd(reference, inputs, states, mode);
      for (const bool in_halves : {false, true}) {
        mode.in_halves = in_halves;
        const Outcome actual = run_with_tape(program, inputs, states, mode);
        const std::string where = std::string(in_halves ? ", in halves" : "") +
                                  (strided ? ", strided" : "") +
                                  (frozen ? ", frozen" : "");
        if (!frozen) {
          EXPECT_EQ(actual.num_islands, num_islands) << where;
        }
        EXPECT_TRUE(same_bits(actual.outputs[0], expected.outputs[0])) << where;
        ASSERT_EQ(actual.gradients.size(), expected.gradients.size());
        for (size_t i = 0; i < expected.gradients.size(); ++i) {
          EXPECT_TRUE(same_bits(actual.gradients[i], expected.gradients[i]))
              << "gradient " << i << where << ":\n"
              << actual.gradients[i] << "\nbut autograd's\n"
              << expected.gradients[i];
        }
        for (size_t i = 0; i < states.size(); ++i) {
          EXPECT_TRUE(same_bits(actual.states[i], expected.states[i]))
              << "state " << i << where;
        }
      }
    }
  }
}

}  // namespace pp::testing
