#include "loader/operators/preconditions.h"

#include <limits>

#include <gtest/gtest.h>

#include <ATen/core/dispatch/Dispatcher.h>

#include "loader/core/error.h"
#include "tests/program/graphs.h"
#include "tests/program/precondition_rows.h"

namespace pp {
namespace {

using Row = PreconditionRow;

using c10::IValue;

constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();

IValue tensors(const std::vector<at::Tensor>& items) {
  return c10::List<at::Tensor>(items);
}

at::Tensor f(at::IntArrayRef sizes) {
  return at::ones(sizes);
}

at::Tensor integers(const std::vector<int64_t>& values) {
  return at::tensor(values, at::kLong);
}

c10::OperatorHandle find(const char* name, const char* overload) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
}

std::vector<IValue> lstm(
    const at::Tensor& input,
    const at::Tensor& state,
    const std::vector<at::Tensor>& weights) {
  return {
      input,
      tensors({state, at::ones_like(state)}),
      tensors(weights),
      true,
      1,
      0.0,
      false,
      false,
      false};
}

std::vector<at::Tensor> lstm_weights(int64_t features, int64_t hidden) {
  return {
      f({4 * hidden, features}),
      f({4 * hidden, hidden}),
      f({4 * hidden}),
      f({4 * hidden})};
}

std::vector<IValue> batch_norm(int64_t num_statistics) {
  const at::Tensor statistics = f({num_statistics});
  return {
      f({2, 64, 3}), {}, {}, statistics, statistics.clone(), true, 0.1, 1e-5};
}

std::vector<IValue> ctc_loss(int64_t target, std::vector<int64_t> lengths) {
  return {
      f({10, 2, 5}),
      integers({1, 2, target, 1, 2, 3}).view({2, 3}),
      std::vector<int64_t>{10, 10},
      std::move(lengths),
      0,
      false};
}

std::vector<IValue> flash_attention(
    at::IntArrayRef query, at::IntArrayRef key, at::IntArrayRef value) {
  return {f(query), f(key), f(value), 0.0, false, {}, {}};
}

std::vector<IValue> conv3d(int64_t kernel) {
  return {
      f({1, 2, 5, 5, 5}),
      f({4, 2, 1, 1, 1}),
      std::vector<int64_t>(3, kernel),
      {},
      std::vector<int64_t>(3, 1),
      std::vector<int64_t>(3, 0)};
}

std::vector<IValue> upsample(double scale) {
  return {
      at::ones({1, 3, 8, 8}, at::kByte),
      std::vector<int64_t>{16, 16},
      {},
      scale};
}

std::vector<IValue> division(int64_t divisor, const char* mode) {
  return {integers({kLeast, 7}), integers({divisor}), mode};
}

std::vector<Row> layer_rows() {
  return {
      {"RunningStatistics",
       "aten::native_batch_norm",
       "",
       batch_norm(1),
       batch_norm(64),
       "'running_mean' has 1 element, but 'input' has 64 channels"},
      {"WeightNorm",
       "aten::_weight_norm_interface",
       "",
       {f({64, 3}), f({1}), 0},
       {f({64, 3}), f({64}), 0},
       "'g' has 1 element, but 'v' has size 64 in dimension 0"},
      {"LargeTarget",
       "aten::_ctc_loss",
       "",
       ctc_loss(1'000'000'000, {3, 3}),
       ctc_loss(4, {3, 3}),
       "index out of range: 'targets' holds 1000000000 at [0, 2], but only 0 "
       "to 4 are valid"},
      {"NegativeTarget",
       "aten::_ctc_loss",
       "",
       ctc_loss(-100, {3, 3}),
       ctc_loss(-100, {2, 3}),
       "index out of range: 'targets' holds -100 at [0, 2], but only 0 to 4 "
       "are valid"},
      {"LstmWeights",
       "aten::lstm",
       "input",
       lstm(f({5, 3, 8}), f({1, 3, 16}), lstm_weights(1, 16)),
       lstm(f({5, 3, 8}), f({1, 3, 16}), lstm_weights(8, 16)),
       "'params'[0] has sizes [64, 1], not [64, 8]"},
      {"LstmStates",
       "aten::lstm",
       "input",
       lstm(f({5, 3, 8}), f({1, 1, 16}), lstm_weights(8, 16)),
       lstm(f({5, 1, 8}), f({1, 1, 16}), lstm_weights(8, 16)),
       "'hx'[0] has sizes [1, 1, 16], not [1, 3, 16]"},
      {"KernelSize",
       "aten::slow_conv3d_forward",
       "",
       conv3d(5),
       conv3d(1),
       "'kernel_size' is [5, 5, 5], but 'weight' has sizes [4, 2, 1, 1, 1]"},
      {"Scale",
       "aten::upsample_nearest2d",
       "",
       upsample(1e-30),
       upsample(2),
       "'output_size' is 16, but 'scales_w' scales an input of size 8 to fewer "
       "positions"},
  };
}

std::vector<Row> attention_and_division_rows() {
  return {
      {"Keys",
       "aten::_scaled_dot_product_flash_attention_for_cpu",
       "",
       flash_attention({2, 4, 8, 8}, {2, 4, 8, 8}, {2, 4, 1, 8}),
       flash_attention({2, 4, 8, 8}, {2, 2, 8, 8}, {2, 2, 8, 8}),
       "'key' has sizes [2, 4, 8, 8] and 'value' has sizes [2, 4, 1, 8], "
       "which don't fit 'query' of sizes [2, 4, 8, 8]"},
      {"AttentionBatch",
       "aten::_scaled_dot_product_flash_attention_for_cpu",
       "",
       flash_attention({2, 4, 8, 8}, {1, 4, 8, 8}, {1, 4, 8, 8}),
       flash_attention({2, 4, 8, 8}, {2, 4, 3, 8}, {2, 4, 3, 8}),
       "query, key and value must have 4 dimensions and equal batch sizes"},
      {"Attention without keys",
       "aten::_scaled_dot_product_flash_attention_for_cpu",
       "",
       flash_attention({2, 4, 8, 8}, {2, 4, 0, 8}, {2, 4, 0, 8}),
       flash_attention({2, 4, 8, 8}, {2, 4, 1, 8}, {2, 4, 1, 8}),
       "query, key and value each need at least one head and position"},
      {"Quotient",
       "aten::div",
       "Tensor_mode",
       division(-1, "trunc"),
       division(-1, "floor"),
       "the result for -9223372036854775808 overflows its integer type"},
      {"QuotientInPlace",
       "aten::div_",
       "Tensor_mode",
       division(-1, "trunc"),
       division(2, "trunc"),
       "the result for -9223372036854775808 overflows its integer type"},
      {"Multiple",
       "aten::lcm",
       "",
       {integers({kLeast}), integers({7})},
       {integers({6}), integers({7})},
       "the result for -9223372036854775808 overflows its integer type"},
  };
}

std::vector<Row> rows() {
  std::vector<Row> out = layer_rows();
  for (const auto& more :
       {attention_and_division_rows(), shape_rows(), number_rows()}) {
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

class Preconditions : public ::testing::TestWithParam<Row> {};

TEST_P(Preconditions, RefuseWhatTheKernelWouldTrust) {
  const Row& row = GetParam();
  const c10::OperatorHandle op = find(row.op, row.overload);
  EXPECT_EQ(precondition_fault(op.schema(), row.bad), row.message);
}

TEST_P(Preconditions, LetOtherArgumentsPass) {
  const Row& row = GetParam();
  const c10::OperatorHandle op = find(row.op, row.overload);
  EXPECT_EQ(precondition_fault(op.schema(), row.good), "");
  torch::jit::Stack stack = row.good;
  EXPECT_NO_THROW(op.callBoxed(stack));
}

INSTANTIATE_TEST_SUITE_P(
    Every, Preconditions, ::testing::ValuesIn(rows()), [](const auto& row) {
      std::string name = row.param.name;
      std::erase(name, ' ');
      return name;
    });

TEST(NoPrecondition, ForOperatorsThatCheckTheirArguments) {
  EXPECT_EQ(find_precondition("aten::add"), nullptr);
  EXPECT_EQ(find_precondition("aten::linear"), nullptr);
  EXPECT_EQ(find_precondition("mine::div"), nullptr);
}

TEST(PreconditionOfANode, FailsWithItsName) {
  try {
    testing::run_text(
        R"(input %x: float32[2, 64, 3]
input %mean: float32[1]
input %var: float32[1]
%y: float32[2, 64, 3], %m: float32[64], %s: float32[64] = aten.native_batch_norm.default(%x, none, none, %mean, %var, true, 0.1, 1e-05)
output y = %y
)",
        {f({2, 64, 3}), f({1}), f({1})});
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Runtime);
    EXPECT_STREQ(
        error.what(),
        "test: operator 'aten.native_batch_norm.default' (node 'y') was not "
        "called: 'running_mean' has 1 element, but 'input' has 64 channels");
  }
}

}  // namespace
}  // namespace pp
