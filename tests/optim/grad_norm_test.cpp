#include "runtime/optim/grad_norm.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>

#include "tests/support/tensors.h"

namespace pp {
namespace {

TEST(SumOfSquares, IsExactWhereDoubleIs) {
  for (const int64_t count : {0, 1, 15, 16, 17, 100}) {
    const at::Tensor gradient = at::arange(count, at::kFloat);
    const int64_t n = count - 1;
    const double expected =
        count == 0 ? 0 : static_cast<double>(n * (n + 1) * (2 * n + 1) / 6);
    EXPECT_EQ(sum_of_squares(gradient), expected) << count;
    EXPECT_EQ(sum_of_squares(gradient.to(at::kDouble)), expected) << count;
    EXPECT_EQ(sum_of_squares(gradient.to(at::kBFloat16)), expected) << count;
  }
  EXPECT_EQ(sum_of_squares({}), 0);
}

TEST(SumOfSquares, DoesNotOverflowOrVanishInFloat) {
  EXPECT_NEAR(sum_of_squares(at::full({3}, 1e30F)) / 3e60, 1, 1e-6);
  EXPECT_NEAR(sum_of_squares(at::full({3}, 1e-30F)) / 3e-60, 1, 1e-6);
}

TEST(SumOfSquares, IsTheSameForAnyNumberOfThreadsAndAnyStorage) {
  const at::Tensor gradient = at::rand({300, 1000});
  at::set_num_threads(1);
  const double alone = sum_of_squares(gradient);
  at::set_num_threads(2);
  EXPECT_EQ(sum_of_squares(gradient), alone);
  // Rows with a gap between them count as the rows packed.
  const at::Tensor wide = at::rand({300, 1001});
  const at::Tensor gapped = wide.slice(1, 0, 1000);
  EXPECT_EQ(sum_of_squares(gapped), sum_of_squares(gapped.contiguous()));
}

TEST(SumOfSquares, OfComplexNumbersAddsBothParts) {
  const at::Tensor z = at::complex(at::full({5}, 3.0F), at::full({5}, 4.0F));
  EXPECT_EQ(sum_of_squares(z), 125);
  EXPECT_EQ(sum_of_squares(z.conj()), 125);
  EXPECT_EQ(sum_of_squares(z.to(at::kComplexDouble)), 125);
}

TEST(TotalNorm, IsTheRootOfTheSum) {
  EXPECT_EQ(total_norm(std::vector<double>{9, 16}), 5);
  EXPECT_EQ(total_norm({}), 0);
}

TEST(ClipCoefficient, NeverMakesGradientsLarger) {
  EXPECT_EQ(clip_coefficient(0.5, 1), 1);
  EXPECT_EQ(clip_coefficient(0, 1), 1);
  EXPECT_DOUBLE_EQ(clip_coefficient(4, 1), 1 / (4 + 1e-6));
  EXPECT_TRUE(std::isnan(clip_coefficient(std::nan(""), 1)));
  EXPECT_EQ(clip_coefficient(std::numeric_limits<double>::infinity(), 1), 0);
}

TEST(ScaleGradients, WorksInPlaceAndSkipsWhatIsNotThere) {
  const at::Tensor gradient = at::full({2, 2}, 4.0F);
  scale_gradients(std::vector<at::Tensor>{gradient, at::Tensor()}, 0.25);
  EXPECT_TRUE(at::equal(gradient, at::full({2, 2}, 1.0F)));
}

}  // namespace
}  // namespace pp
