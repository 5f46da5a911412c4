#include <gtest/gtest.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones_like.h>

#include "runtime/optim/optimizer.h"

namespace pp {
namespace {

void step_twice(
    Optimizer& optimizer, const std::vector<NamedParameter>& parameters) {
  for (int step = 0; step < 2; ++step) {
    for (const NamedParameter& each : parameters) {
      each.tensor.mutable_grad() = at::ones_like(each.tensor.detach());
    }
    optimizer.step(0.5);
  }
}

TEST(Averages, GiveBackParametersThatShareMemory) {
  const at::Tensor whole = at::arange(8, at::kFloat).reshape({2, 4});
  const std::vector<NamedParameter> overlapping = {
      {"left", whole.narrow(1, 0, 3).detach().requires_grad_()},
      {"right", whole.narrow(1, 1, 3).detach().requires_grad_()}};
  const at::Tensor matrix = at::arange(6, at::kFloat).reshape({2, 3});
  const std::vector<NamedParameter> transposed = {
      {"weight", matrix.detach().requires_grad_()},
      {"transposed", matrix.t().detach().requires_grad_()}};
  for (const auto& parameters : {overlapping, transposed}) {
    SCOPED_TRACE(parameters.front().fqn);
    const auto optimizer = make_optimizer(
        {.kind = OptimizerKind::Sgd, .ema_decay = 0.5}, parameters);
    step_twice(*optimizer, parameters);
    std::vector<at::Tensor> before;
    for (const NamedParameter& each : parameters) {
      before.push_back(each.tensor.detach().clone());
    }
    optimizer->use_averages();
    EXPECT_FALSE(at::equal(parameters.front().tensor, before.front()));
    optimizer->use_parameters();
    for (size_t i = 0; i < parameters.size(); ++i) {
      EXPECT_TRUE(at::equal(parameters[i].tensor, before[i]))
          << parameters[i].fqn;
    }
  }
}

}  // namespace
}  // namespace pp
