#include <gtest/gtest.h>

#include "tests/program/graphs.h"

namespace pp {
namespace {

using testing::graph_of;
using testing::run_text;

constexpr std::string_view kDropout =
    "input %x: float32[64, 64]\n"
    "%y: float32[64, 64] = aten.dropout.default(input=%x, p=0.25, "
    "train=true)\n"
    "output y = %y\n";

at::Tensor drop(const RandomKey& key) {
  return run_text(kDropout, {at::ones({64, 64})}, {}, key)[0].toTensor();
}

TEST(Dropout, DependsOnlyOnTheKey) {
  at::manual_seed(1);
  const at::Tensor first = drop({5, 2, 3});
  at::manual_seed(2);
  EXPECT_TRUE(first.equal(drop({5, 2, 3})));
  EXPECT_FALSE(first.equal(drop({5, 2, 4})));
  EXPECT_FALSE(first.equal(drop({5, 3, 3})));
}

/// Two conds, whose branches both have a node "d".
std::string two_conds() {
  const std::string block =
      "{\n  input %a: float32[64, 64]\n"
      "  %d: float32[64, 64] = aten.dropout.default(input=%a, p=0.5, "
      "train=true)\n  output result = %d\n}";
  const std::string cond = " = higher_order.cond(%p, graph \"yes\" " + block +
                           ", graph \"no\" " + block + ", tensors[%x])\n";
  return "input %x: float32[64, 64]\ninput %p: bool[]\n"
         "%y: float32[64, 64]" +
         cond + "%z: float32[64, 64]" + cond + "output y = %y\noutput z = %z\n";
}

TEST(Dropout, IsIndependentInTwoSubGraphs) {
  const auto run = [](const RandomKey& key) {
    return run_text(
        two_conds(), {at::ones({64, 64}), at::ones({}, at::kBool)}, {}, key);
  };
  const auto first = run({5, 2, 3});
  EXPECT_FALSE(first[0].toTensor().equal(first[1].toTensor()));
  EXPECT_TRUE(first[1].toTensor().equal(run({5, 2, 3})[1].toTensor()));
}

TEST(Dropout, KeepsTheExpectation) {
  const at::Tensor y = drop({});
  EXPECT_NEAR(y.mean().item<float>(), 1, 0.05);
  const at::Tensor kept = y.masked_select(y.ne(0));
  EXPECT_TRUE(kept.equal(at::full_like(kept, 1 / 0.75)));
}

TEST(Dropout, TheGradientUsesTheSameMask) {
  const at::Tensor x = at::ones({64, 64}).set_requires_grad(true);
  const at::Tensor y = run_text(kDropout, {x})[0].toTensor();
  y.sum().backward();
  EXPECT_TRUE(x.grad().equal(y));
}

TEST(Dropout, WholeChannelsAndInPlace) {
  const at::Tensor y =
      run_text(
          "input %x: float32[4, 32, 5]\n"
          "%c: float32[4, 32, 5] = aten.clone.default(self=%x)\n"
          "%y: float32[4, 32, 5] = aten.feature_dropout_.default(self=%c, "
          "p=0.5, train=true)\n"
          "output y = %y\n",
          {at::ones({4, 32, 5})})[0]
          .toTensor();
  const at::Tensor by_channel = y.sum(-1);
  EXPECT_TRUE(
      by_channel.eq(0).logical_or(by_channel.eq(10)).all().item<bool>());
}

constexpr std::string_view kAttention =
    "input %q: float32[2, 4, 8, 16]\n"
    "input %k: float32[2, 4, 8, 16]\n"
    "input %v: float32[2, 4, 8, 16]\n"
    "%y: float32[2, 4, 8, 16] = "
    "aten.scaled_dot_product_attention.default(query=%q, key=%k, value=%v, "
    "dropout_p=";

/// Runs attention. With a tiny p nothing is dropped, so the result must be
/// torch's.
at::Tensor attend(
    const std::string& p_and_rest,
    const std::vector<c10::IValue>& qkv,
    const RandomKey& key = {}) {
  return run_text(
             std::string(kAttention) + p_and_rest + ")\noutput y = %y\n",
             qkv,
             {},
             key)[0]
      .toTensor();
}

TEST(Attention, WithoutDropsItIsTorchs) {
  const std::vector<c10::IValue> qkv = {
      at::randn({2, 4, 8, 16}),
      at::randn({2, 4, 8, 16}),
      at::randn({2, 4, 8, 16})};
  const std::string barely = "1e-12";
  EXPECT_TRUE(attend(barely, qkv).allclose(attend("0.0", qkv), 1e-5, 1e-6));
  EXPECT_TRUE(attend(barely + ", is_causal=true", qkv)
                  .allclose(attend("0.0, is_causal=true", qkv), 1e-5, 1e-6));
  EXPECT_TRUE(attend(barely + ", scale=0.1", qkv)
                  .allclose(attend("0.0, scale=0.1", qkv), 1e-5, 1e-6));
}

TEST(Attention, DropsByKeyAndKeepsTheExpectation) {
  const std::vector<c10::IValue> qkv = {
      at::zeros({2, 4, 8, 16}),
      at::zeros({2, 4, 8, 16}),
      at::ones({2, 4, 8, 16})};
  const at::Tensor y = attend("0.5", qkv, {1, 2, 3});
  EXPECT_TRUE(y.equal(attend("0.5", qkv, {1, 2, 3})));
  EXPECT_FALSE(y.equal(attend("0.5", qkv, {1, 2, 4})));
  EXPECT_NEAR(y.mean().item<float>(), 1, 0.2);
}

TEST(Attention, GroupedQueriesShareKeys) {
  const at::Tensor q = at::randn({2, 4, 8, 16});
  const at::Tensor k = at::randn({2, 2, 8, 16});
  const at::Tensor v = at::randn({2, 2, 8, 16});
  const std::string text =
      "input %q: float32[2, 4, 8, 16]\n"
      "input %k: float32[2, 2, 8, 16]\n"
      "input %v: float32[2, 2, 8, 16]\n"
      "%y: float32[2, 4, 8, 16] = "
      "aten.scaled_dot_product_attention.default(query=%q, key=%k, value=%v, "
      "dropout_p=1e-12, enable_gqa=true)\n"
      "output y = %y\n";
  const at::Tensor expected = at::scaled_dot_product_attention(
      q, k, v, {}, 0.0, false, std::nullopt, /*enable_gqa=*/true);
  EXPECT_TRUE(
      run_text(text, {q, k, v})[0].toTensor().allclose(expected, 1e-5, 1e-6));
}

/// A random operator whose schema has no generator.
struct WithoutGenerator {
  std::string name;
  std::string call;
};

class Seeded : public ::testing::TestWithParam<WithoutGenerator> {};

TEST_P(Seeded, DependsOnlyOnTheKey) {
  const std::string text =
      "input %x: float32[4, 8]\n%y: float32[4, 8] = " + GetParam().call +
      "\noutput y = %y\n";
  const auto drawn = [&](uint64_t process_seed, const RandomKey& key) {
    at::manual_seed(process_seed);
    const at::Tensor x = at::linspace(0.1, 0.9, 32).reshape({4, 8});
    return run_text(text, {x}, {}, key)[0].toTensor();
  };
  const at::Tensor first = drawn(1, {5, 2, 3});
  EXPECT_TRUE(first.equal(drawn(2, {5, 2, 3})));
  EXPECT_FALSE(first.equal(drawn(1, {5, 2, 4})));
}

INSTANTIATE_TEST_SUITE_P(
    Operators,
    Seeded,
    ::testing::Values(
        WithoutGenerator{"rand", "aten.rand.default(size=ints[4, 8])"},
        WithoutGenerator{"randn", "aten.randn.default(size=ints[4, 8])"},
        WithoutGenerator{
            "randint", "aten.randint.low(low=0, high=99, size=ints[4, 8])"},
        WithoutGenerator{"randperm", "aten.randperm.default(n=32)"},
        WithoutGenerator{"rand_like", "aten.rand_like.default(self=%x)"},
        WithoutGenerator{"randn_like", "aten.randn_like.default(self=%x)"},
        WithoutGenerator{
            "randint_like",
            "aten.randint_like.low_dtype(self=%x, low=0, high=99)"},
        WithoutGenerator{
            "alpha_dropout",
            "aten.alpha_dropout.default(input=%x, p=0.5, train=true)"}),
    [](const auto& test) { return test.param.name; });

TEST(Generators, OperatorsWithOneGetAKeyedOne) {
  const std::string text =
      "input %x: float32[128]\n"
      "%y: float32[128] = aten.bernoulli.default(self=%x)\n"
      "output y = %y\n";
  const std::vector<c10::IValue> x = {at::full({128}, 0.5)};
  const at::Tensor a = run_text(text, x, {}, {1, 1, 1})[0].toTensor();
  at::manual_seed(99);
  EXPECT_TRUE(a.equal(run_text(text, x, {}, {1, 1, 1})[0].toTensor()));
  EXPECT_FALSE(a.equal(run_text(text, x, {}, {1, 1, 2})[0].toTensor()));
}

}  // namespace
}  // namespace pp
