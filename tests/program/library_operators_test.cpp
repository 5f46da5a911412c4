#include "runtime/program/library_operators.h"

#include <gtest/gtest.h>

#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>

#include "loader/core/error.h"

namespace pp {
namespace {

at::Tensor grouped(
    const at::Tensor& input, const at::Tensor& weight, at::Tensor offs) {
  torch::jit::Stack stack{input, weight, std::move(offs)};
  library_function("transformers.grouped_mm_fallback.default")(stack);
  return stack.back().toTensor();
}

at::Tensor ends(std::vector<int64_t> values) {
  return at::tensor(values).to(at::kInt);
}

TEST(GroupedMm, MultipliesEachGroupOfRowsByItsMatrix) {
  const at::Tensor x = at::randn({5, 3}, at::kDouble);
  const at::Tensor w = at::randn({3, 3, 2}, at::kDouble);
  const at::Tensor y = grouped(x, w, ends({2, 2, 4}));  // the second is empty
  ASSERT_EQ(y.sizes().vec(), (std::vector<int64_t>{5, 2}));
  EXPECT_TRUE(y.slice(0, 0, 2).equal(x.slice(0, 0, 2).mm(w[0])));
  EXPECT_TRUE(y.slice(0, 2, 4).equal(x.slice(0, 2, 4).mm(w[2])));
  EXPECT_EQ(y[4].abs().sum().item<double>(), 0);  // after the last group
}

TEST(GroupedMm, GradientsReachRowsAndMatrices) {
  const at::Tensor x = at::randn({4, 3}, at::kDouble).set_requires_grad(true);
  const at::Tensor w =
      at::randn({2, 3, 2}, at::kDouble).set_requires_grad(true);
  grouped(x, w, ends({4, 4})).sum().backward();
  const at::Tensor ones = at::ones({4, 2}, at::kDouble);
  EXPECT_TRUE(x.grad().allclose(ones.mm(w.detach()[0].t())));
  EXPECT_TRUE(w.grad()[0].allclose(x.detach().t().mm(ones)));
  EXPECT_EQ(w.grad()[1].abs().sum().item<double>(), 0);
}

TEST(GroupedMm, DecreasingEndsAreAnError) {
  const at::Tensor x = at::ones({4, 3});
  const at::Tensor w = at::ones({2, 3, 2});
  EXPECT_THROW(grouped(x, w, ends({3, 1})), Error);
  EXPECT_THROW(grouped(x, w, ends({3, 9})), Error);
}

TEST(GroupedMm, OtherLibrariesAreUnknown) {
  EXPECT_EQ(library_function("my.op.default"), nullptr);
}

}  // namespace
}  // namespace pp
