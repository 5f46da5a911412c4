#include "runtime/device/loans.h"

#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include <ATen/ops/ones.h>
#include <c10/core/StreamGuard.h>

#include "runtime/device/rank_device.h"
#include "tests/device/fake_device.h"

namespace pp {
namespace {

struct LoansTest : ::testing::Test {
  void SetUp() override { test::take_faults(); }
  /// Makes a tensor on the owner's compute stream.
  at::Tensor make_tensor() {
    const ComputeOn guard(owner);
    return at::ones({4}, at::TensorOptions().device(owner.device()));
  }
  void read(const at::Tensor& tensor) {
    const ComputeOn guard(reader);
    tensor.add(1);
  }

  RankDevice owner{test::fake_plugin(), 0};
  RankDevice reader{test::fake_plugin(), 0};
};

TEST_F(LoansTest, AreOwnedUntilTheReadersEvent) {
  at::Tensor tensor = make_tensor();
  wait_for(reader.compute(), owner.compute());
  at::Tensor lent = lend(std::move(tensor), owner.loans(), reader.compute());
  read(lent);
  EXPECT_EQ(owner.loans()->size(), 0) << "still lent";
  lent = at::Tensor();
  EXPECT_EQ(owner.loans()->size(), 1) << "back";
  owner.loans()->collect();
  EXPECT_EQ(owner.loans()->size(), 1) << "still read";
  owner.loans()->collect();
  EXPECT_EQ(owner.loans()->size(), 0);
  EXPECT_TRUE(test::take_faults().empty());
}

// This is the fault that loans prevent.
TEST_F(LoansTest, WithoutThemMemoryIsFreedTooEarly) {
  at::Tensor tensor = make_tensor();
  wait_for(reader.compute(), owner.compute());
  read(tensor);
  tensor = at::Tensor();
  EXPECT_EQ(test::take_faults().size(), 1);
}

TEST_F(LoansTest, AViewKeepsTheLoan) {
  wait_for(reader.compute(), owner.compute());
  at::Tensor tensor = make_tensor();
  wait_for(reader.compute(), owner.compute());
  at::Tensor view =
      lend(std::move(tensor), owner.loans(), reader.compute()).narrow(0, 1, 2);
  read(view);
  EXPECT_EQ(owner.loans()->size(), 0);
  view = at::Tensor();
  EXPECT_EQ(owner.loans()->size(), 1);
  owner.loans()->collect_all();
  EXPECT_EQ(owner.loans()->size(), 0);
  EXPECT_TRUE(test::take_faults().empty());
}

// The borrower lends the tensor on, and it comes back on another thread.
TEST_F(LoansTest, GoBackHopByHop) {
  RankDevice last{test::fake_plugin(), 0};
  at::Tensor tensor = make_tensor();
  wait_for(reader.compute(), owner.compute());
  at::Tensor lent = lend(std::move(tensor), owner.loans(), reader.compute());
  read(lent);
  wait_for(last.compute(), reader.compute());
  at::Tensor relayed = lend(std::move(lent), reader.loans(), last.compute());
  {
    const ComputeOn guard(last);
    relayed.add(1);
  }
  std::thread([&] { relayed = at::Tensor(); }).join();
  EXPECT_EQ(reader.loans()->size(), 1);
  EXPECT_EQ(owner.loans()->size(), 0);
  reader.loans()->collect_all();
  EXPECT_EQ(owner.loans()->size(), 1);
  owner.loans()->collect_all();
  EXPECT_TRUE(test::take_faults().empty());
}

TEST_F(LoansTest, MayComeBackWhenTheirRankIsGone) {
  auto gone = std::make_unique<RankDevice>(test::fake_plugin(), 0);
  at::Tensor lent;
  {
    const ComputeOn guard(*gone);
    lent = lend(
        at::ones({4}, at::TensorOptions().device(gone->device())),
        gone->loans(),
        reader.compute());
  }
  wait_for(reader.compute(), gone->compute());
  gone.reset();
  read(lent);
  lent = at::Tensor();
  EXPECT_TRUE(test::take_faults().empty());
}

TEST_F(LoansTest, EmptyAndUndefinedTensorsAreReturnedAsTheyAre) {
  EXPECT_FALSE(lend({}, owner.loans(), reader.compute()).defined());
  const ComputeOn guard(owner);
  const at::Tensor none =
      at::ones({0, 3}, at::TensorOptions().device(owner.device()));
  EXPECT_TRUE(lend(none, owner.loans(), reader.compute()).is_same(none));
}

}  // namespace
}  // namespace pp
