// Parameters in half precision are updated as float32 copies.
#include <gtest/gtest.h>

#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>

#include "runtime/optim/optimizer.h"
#include "tests/support/tensors.h"

namespace pp {
namespace {

OptimizerConfig adamw() {
  return {OptimizerKind::AdamW, optimizer_row(OptimizerKind::AdamW).defaults};
}

struct Row {
  const char* name;
  OptimizerConfig optimizer;
  at::ScalarType type;
};

class Master : public ::testing::TestWithParam<Row> {
 protected:
  /// A parameter whose values are exact in half precision.
  static NamedParameter parameter(at::ScalarType type) {
    return {
        "w",
        at::linspace(-1, 1, 9, at::kFloat)
            .view({3, 3})
            .to(type)
            .requires_grad_()};
  }

  /// Updates with gradients that are exact in both precisions.
  static void step(Optimizer& optimizer, const NamedParameter& w, int times) {
    for (int i = 0; i < times; ++i) {
      w.tensor.mutable_grad() = at::full(
          {3, 3}, 0.25 * (i % 3 + 1), w.tensor.options().requires_grad(false));
      optimizer.step(1e-4);
    }
  }
};

TEST_P(Master, TakesTheUpdatesOfAFloat32Parameter) {
  const NamedParameter half = parameter(GetParam().type);
  const NamedParameter whole = parameter(at::kFloat);
  const auto mine = make_optimizer(GetParam().optimizer, {half});
  const auto theirs = make_optimizer(GetParam().optimizer, {whole});
  step(*mine, half, 20);
  step(*theirs, whole, 20);
  EXPECT_TRUE(at::equal(mine->state().at("optimizer.master.w"), whole.tensor));
  EXPECT_TRUE(at::equal(half.tensor, whole.tensor.to(GetParam().type)));
}

TEST_P(Master, IsSavedAndGoesOn) {
  const NamedParameter w = parameter(GetParam().type);
  const auto optimizer = make_optimizer(GetParam().optimizer, {w});
  step(*optimizer, w, 5);
  const NamedParameter copy{"w", w.tensor.detach().clone().requires_grad_()};
  const auto resumed = make_optimizer(GetParam().optimizer, {copy});
  const auto saved = optimizer->state();
  resumed->load_state([&](const std::string& name) {
    const auto found = saved.find(name);
    return found == saved.end() ? at::Tensor() : found->second;
  });
  step(*optimizer, w, 7);
  step(*resumed, copy, 7);
  EXPECT_TRUE(at::equal(w.tensor, copy.tensor));
  EXPECT_TRUE(at::equal(
      resumed->state().at("optimizer.master.w"),
      optimizer->state().at("optimizer.master.w")));
  uint64_t bytes = 0;
  for (const auto& [name, tensor] : optimizer->state()) {
    bytes += tensor.nbytes();
  }
  EXPECT_EQ(optimizer->state_bytes(), bytes);
}

INSTANTIATE_TEST_SUITE_P(
    Optimizers,
    Master,
    ::testing::Values(
        Row{"sgd_bfloat16", {OptimizerKind::Sgd}, at::kBFloat16},
        Row{"momentum_float16",
            {OptimizerKind::Sgd, {.momentum = 0.9}},
            at::kHalf},
        Row{"adamw_bfloat16", adamw(), at::kBFloat16}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace pp
