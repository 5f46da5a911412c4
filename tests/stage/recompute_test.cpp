// Stages and modules that compute their forward again in the backward.

#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "tests/stage/stage_pipeline.h"

namespace pp {
namespace {

using test::kSkip;
using test::Pipeline;
using test::weights;

// Dropout, a buffer that it reads and writes, a value written in place.
constexpr const char* kRandomAndStateful =
    "input %x: float32[s0=4, 8]\n"
    "parameter a.w = %wa: float32[8, 8] grad\n"
    "parameter b.w = %wb: float32[8, 8] grad\n"
    "parameter c.w = %wc: float32[8, 8] grad\n"
    "buffer b.n = %n: float32[]\n"
    "%h: float32[s0=4, 8] = aten.linear.default(input=%x, weight=%wa) @ a\n"
    "%i: float32[s0=4, 8] = aten.dropout.default(input=%h, p=0.5, train=true)"
    " @ a\n"
    "%m: float32[] = aten.add_.Tensor(self=%n, other=1) @ b\n"
    "%j: float32[s0=4, 8] = aten.linear.default(input=%i, weight=%wb) @ b\n"
    "%k: float32[s0=4, 8] = aten.relu_.default(self=%j) @ b\n"
    "%l: float32[s0=4, 8] = aten.div.Tensor(self=%k, other=%m) @ b\n"
    "%o: float32[s0=4, 8] = aten.add.Tensor(self=%l, other=%i) @ c\n"
    "%p: float32[s0=4, 8] = aten.tanh.default(self=%o) @ c\n"
    "%q: float32[s0=4, 8] = aten.linear.default(input=%p, weight=%wc) @ c\n"
    "output y = %q\n";

class Recomputed : public testing::TestWithParam<Recompute> {};

TEST_P(Recomputed, GivesTheSameBitsAndWritesBuffersOnce) {
  auto states = weights();
  states.emplace("b.n", at::zeros({}));
  for (const bool halves : {false, true}) {
    Pipeline kept(kRandomAndStateful, {{"c"}}, states);
    Pipeline recomputed(
        kRandomAndStateful, {{"c"}}, states, true, false, GetParam());
    for (int microbatch = 0; microbatch < 3; ++microbatch) {
      const UserInputs inputs = {{"x", at::randn({4, 8})}};
      EXPECT_TRUE(
          kept.forward(microbatch, inputs, Pass::Train)
              .equal(recomputed.forward(microbatch, inputs, Pass::Train)));
    }
    for (Pipeline* each : {&kept, &recomputed}) {
      for (int microbatch = 0; microbatch < 3; ++microbatch) {
        halves ? each->backward_in_halves(microbatch)
               : each->backward(microbatch);
      }
      EXPECT_EQ(each->stages()[0].states().back().tensor.item<float>(), 3.0F);
    }
    for (const char* fqn : {"a.w", "b.w", "c.w"}) {
      EXPECT_TRUE(kept.gradient(fqn).equal(recomputed.gradient(fqn))) << fqn;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Recompute,
    Recomputed,
    testing::Values(
        Recompute{.stage = true, .modules = {}},
        Recompute{.stage = false, .modules = {"a"}},
        Recompute{.stage = false, .modules = {"b"}},
        Recompute{.stage = false, .modules = {"*"}}));

TEST(Stage, AModuleWhoseInputIsWrittenLaterCanNotRunAgain) {
  std::string text = kSkip;
  text.replace(text.find("input=%i"), 8, "input=%h");  // b reads h,
  text.insert(                                         // which c writes
      text.find("%l:"),
      "%z: float32[s0=4, 8] = aten.relu_.default(self=%h) @ c\n");
  text.replace(text.find("other=%i"), 8, "other=%h");  // and reads again
  try {
    Pipeline(text, {}, weights(), true, false, {false, {"b"}});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    EXPECT_NE(
        std::string(error.what()).find("'b' can't be recomputed: it reads 'h'"),
        std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace pp
