// Batch norm's backward in every layout of its input and its gradient, compared
// with contiguous ones in double precision.

#include "runtime/program/rules/norm_gradient.h"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include <ATen/ATen.h>

#include "runtime/program/program.h"
#include "tests/program/graphs.h"

namespace pp {
namespace {

using testing::graph_of;

struct Norm {
  std::string name;
  std::string call;
};

std::ostream& operator<<(std::ostream& out, const Norm& norm) {
  return out << norm.name;
}

bool is_dense_image(const at::Tensor& tensor) {
  return tensor.is_contiguous() ||
         tensor.is_contiguous(at::MemoryFormat::ChannelsLast) ||
         tensor.is_contiguous(at::MemoryFormat::ChannelsLast3d);
}

/// Returns the tensor in every order of its dimensions in memory that is dense
/// in some memory format; orders that differ in the strides of sizes of 1 alone
/// count as different.
std::vector<at::Tensor> in_every_layout(const at::Tensor& tensor) {
  std::vector<int64_t> order(tensor.dim());
  std::iota(order.begin(), order.end(), 0);
  std::vector<at::Tensor> out;
  do {
    std::vector<int64_t> back(order.size());
    for (size_t i = 0; i < order.size(); ++i) {
      back[order[i]] = static_cast<int64_t>(i);
    }
    at::Tensor laid_out = tensor.permute(order).contiguous().permute(back);
    const bool is_new = std::ranges::none_of(out, [&](const at::Tensor& other) {
      return other.strides() == laid_out.strides();
    });
    if (is_new && is_dense_image(laid_out)) {
      out.push_back(laid_out);
    }
  } while (std::ranges::next_permutation(order).found);
  return out;
}

at::Tensor gradient_of_input(
    const Program& program,
    const at::Tensor& x,
    const at::Tensor& gradient,
    std::vector<at::Tensor>& states) {
  for (at::Tensor& state : states) {
    state.mutable_grad() = at::Tensor();
  }
  const std::vector<uint8_t> wanted = {1};
  RecordedRun run = program.record({x}, wanted, states, {});
  run.tape.seed(0, gradient);
  run.tape.backward(Half::Both);
  return run.tape.take_gradient(0);
}

double error_of(const at::Tensor& actual, const at::Tensor& expected) {
  return (actual.to(at::kDouble) - expected).abs().max().item<double>() /
         expected.abs().max().item<double>();
}

class NormGradient : public ::testing::TestWithParam<Norm> {
 protected:
  static Program program(const std::string& type) {
    const std::string tensor = type + "[3]";
    return Program(
        graph_of(
            "input %x: " + type + "[1]\nparameter w = %w: " + tensor +
            " grad\nparameter b = %b: " + tensor +
            " grad\nbuffer m = %m: " + tensor + "\nbuffer v = %v: " + tensor +
            "\n%y: " + type + "[1]" + GetParam().call + "\noutput y = %y\n"),
        {{}, "test"});
  }

  void expect_right_gradients(const std::vector<int64_t>& sizes) {
    at::manual_seed(7);
    const at::Tensor x = at::randn(sizes);
    const at::Tensor gradient = at::randn(sizes);
    std::vector<at::Tensor> states;
    std::vector<at::Tensor> exact_states;
    for (int i = 0; i < 4; ++i) {
      const at::Tensor state = at::rand({3}).add(0.5);
      states.push_back(state.clone().set_requires_grad(i < 2));
      exact_states.push_back(state.to(at::kDouble).set_requires_grad(i < 2));
    }
    const at::Tensor expected = gradient_of_input(
        exact_, x.to(at::kDouble), gradient.to(at::kDouble), exact_states);
    for (const at::Tensor& input : in_every_layout(x)) {
      for (const at::Tensor& incoming : in_every_layout(gradient)) {
        const at::Tensor actual =
            gradient_of_input(single_, input, incoming, states);
        const std::string where = ::testing::PrintToString(input.strides()) +
                                  ::testing::PrintToString(incoming.strides());
        ASSERT_LT(error_of(actual, expected), 1e-4) << where;
        for (int i = 0; i < 2; ++i) {
          ASSERT_LT(error_of(states[i].grad(), exact_states[i].grad()), 1e-4)
              << where;
        }
      }
    }
  }

 private:
  Program exact_ = program("float64");
  Program single_ = program("float32");
};

TEST_P(NormGradient, IsRightInEveryLayout) {
  expect_right_gradients({1, 3, 4, 5});
  expect_right_gradients({2, 3, 1, 5});
  expect_right_gradients({2, 3, 5, 1});
  expect_right_gradients({2, 3, 4, 5});
}

TEST_P(NormGradient, OfAVolumeIsRightInEveryLayout) {
  expect_right_gradients({1, 3, 2, 4, 5});
}

const std::string kArguments =
    "weight=%w, bias=%b, running_mean=%m, running_var=%v, ";

INSTANTIATE_TEST_SUITE_P(
    Each,
    NormGradient,
    ::testing::Values(
        Norm{
            "Rule",
            " = aten.batch_norm.default(input=%x, " + kArguments +
                "training=true, momentum=0.1, eps=1e-05, "
                "cudnn_enabled=false)"},
        Norm{
            "RuleInEvalMode",
            " = aten.batch_norm.default(input=%x, " + kArguments +
                "training=false, momentum=0.1, eps=1e-05, "
                "cudnn_enabled=false)"},
        Norm{
            "Autograd",
            ", %s: float32[3], %i: float32[3] = "
            "aten.native_batch_norm.default(input=%x, " +
                kArguments + "training=true, momentum=0.1, eps=1e-05)"},
        Norm{
            "InstanceNorm",
            " = aten.instance_norm.default(input=%x, " + kArguments +
                "use_input_stats=true, momentum=0.1, eps=1e-05, "
                "cudnn_enabled=false)"}),
    [](const auto& norm) { return norm.param.name; });

}  // namespace
}  // namespace pp
