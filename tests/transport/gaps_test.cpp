#include "runtime/transport/gaps.h"

#include <gtest/gtest.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>

#include "loader/core/error.h"

namespace pp {
namespace {

/// Whether each pair of dimensions can be viewed as one in both tensors or in
/// neither, and is in the same order.
bool laid_out_alike(const at::Tensor& a, const at::Tensor& b) {
  for (int64_t i = 0; i < a.dim(); ++i) {
    for (int64_t k = 0; k < a.dim(); ++k) {
      const auto merges = [&](const at::Tensor& t) {
        return t.stride(i) == t.stride(k) * t.size(k);
      };
      const auto below = [&](const at::Tensor& t) {
        return t.stride(i) < t.stride(k);
      };
      if (i != k && (merges(a) != merges(b) || below(a) != below(b))) {
        return false;
      }
    }
  }
  return a.suggest_memory_format() == b.suggest_memory_format();
}

TEST(Gaps, AreRestoredSoThatKernelsSeeTheSendersLayout) {
  const at::Tensor images = at::randn({2, 8, 8, 48});
  const at::Tensor volumes = at::randn({2, 3, 4, 5, 12});
  const at::Tensor single = at::randn({1, 1, 8, 48});
  const std::vector<at::Tensor> tensors = {
      images.slice(3, 16, 32).permute({0, 3, 1, 2}),
      volumes.slice(4, 0, 6).permute({0, 4, 1, 2, 3}),
      single.slice(3, 0, 16).permute({0, 3, 1, 2}),
      images.select(3, 5),
      images.slice(1, 0, 8, 2),
      at::randn({4, 1, 6}).expand({4, 3, 6}),
      at::randn({4, 100}).slice(1, 0, 6).unsqueeze(1).expand({4, 3, 6}),
      at::randn({}).expand({2, 3}),
      at::randn({5, 7}).slice(1, 0, 1),
  };
  Message message;
  message.tensors = tensors;
  message.ints = {3, -4};
  const Message sent = describe_gaps(message);
  for (const at::Tensor& tensor : sent.tensors) {
    EXPECT_TRUE(tensor.is_non_overlapping_and_dense());
  }
  EXPECT_EQ(sent.tensors[5].numel(), 24) << "expanded values are sent once";
  const Message got = restore_gaps(sent);
  EXPECT_EQ(got.ints, message.ints);
  for (size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_TRUE(at::equal(got.tensors[i], tensors[i])) << i;
    EXPECT_TRUE(laid_out_alike(got.tensors[i], tensors[i]))
        << i << ": " << got.tensors[i].strides() << " for "
        << tensors[i].strides();
  }
}

TEST(Gaps, DontCostTheMemoryOfTheWhole) {
  Message message;
  message.tensors = {
      at::randn({8, 1000, 32}).select(1, 0), at::randn({8, 1000}).t()[0]};
  const Message got = restore_gaps(describe_gaps(message));
  EXPECT_LE(got.tensors[0].storage().nbytes(), 8 * (32 + 64) * 4);
  EXPECT_LE(got.tensors[1].storage().nbytes(), 8 * 2 * 4);
}

TEST(Gaps, DenseEmptyAndUndefinedTensorsStayAsTheyAre) {
  Message message;
  message.tensors = {
      at::randn({3, 4}).t(), at::Tensor(), at::randn({0, 3}).slice(1, 0, 2)};
  const Message sent = describe_gaps(message);
  EXPECT_EQ(sent.ints, std::vector<int64_t>({0}));
  const Message got = restore_gaps(sent);
  EXPECT_EQ(got.tensors[0].data_ptr(), message.tensors[0].data_ptr());
  EXPECT_FALSE(got.tensors[1].defined());
  EXPECT_EQ(got.tensors[2].sizes(), message.tensors[2].sizes());
}

TEST(Gaps, WindowsThatOverlapArriveDense) {
  Message message;
  message.tensors = {at::arange(10).unfold(0, 4, 2)};
  const Message got = restore_gaps(describe_gaps(message));
  EXPECT_TRUE(at::equal(got.tensors[0], message.tensors[0]));
}

TEST(Gaps, LayoutsThatDontFitAreRefused) {
  const std::vector<std::vector<int64_t>> wrong = {
      {},
      {-1},
      {4},
      {9, 1},
      {0, 3, 4, 4, 1, 4},
      {0, 2, 4, -4, 1, 5},
      {1, 2, 4, 8, 1, 5},
      {-1, 2, 4, 8, 1, 5},
      {0, 2, 4, 0, 1, 5}};
  for (const std::vector<int64_t>& ints : wrong) {
    Message message;
    message.tensors = {at::randn({2, 4})};
    message.ints = ints;
    EXPECT_THROW(restore_gaps(std::move(message)), Error);
  }
}

}  // namespace
}  // namespace pp
