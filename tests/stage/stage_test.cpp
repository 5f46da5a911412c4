#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "tests/stage/stage_pipeline.h"

namespace pp {
namespace {

using test::kSkip;
using test::Pipeline;
using test::weights;

TEST(Stage, ASkipOverAStageGivesTheUnsplitGradients) {
  const auto states = weights();
  Pipeline whole(kSkip, {}, states);
  Pipeline split(kSkip, {{"b"}, {"c"}}, states);
  ASSERT_EQ(split.stages().size(), 3);
  for (int microbatch = 0; microbatch < 3; ++microbatch) {
    const UserInputs inputs = {{"x", at::randn({2 + microbatch, 8})}};
    EXPECT_TRUE(whole.forward(microbatch, inputs, Pass::Train)
                    .equal(split.forward(microbatch, inputs, Pass::Train)));
  }
  for (int microbatch = 0; microbatch < 3; ++microbatch) {
    whole.backward(microbatch);
    split.backward(microbatch);
  }
  EXPECT_TRUE(whole.gradient("c.w").equal(split.gradient("c.w")));
  EXPECT_TRUE(whole.gradient("b.w").equal(split.gradient("b.w")));
  EXPECT_TRUE(
      whole.gradient("a.w").allclose(split.gradient("a.w"), 1e-6, 1e-6));
}

// Reads the buffer that it writes; the backward needs what it read.
constexpr const char* kCounter =
    "input %x: float32[s0=4, 8]\n"
    "parameter w = %w: float32[8, 8] grad\n"
    "buffer n = %n: float32[]\n"
    "%a: float32[] = aten.add_.Tensor(self=%n, other=1)\n"
    "%h: float32[s0=4, 8] = aten.linear.default(input=%x, weight=%w)\n"
    "%y: float32[s0=4, 8] = aten.div.Tensor(self=%h, other=%a)\n"
    "output y = %y\n";

TEST(Stage, ABufferWrittenInPlaceKeepsItsValueForEachMicrobatchsBackward) {
  const std::map<std::string, at::Tensor> states = {
      {"w", at::randn({8, 8})}, {"n", at::zeros({})}};
  Pipeline in_turn(kCounter, {}, states);  // as Python would run it
  Pipeline all_first(kCounter, {}, states);
  std::vector<UserInputs> inputs;
  for (int microbatch = 0; microbatch < 3; ++microbatch) {
    inputs.push_back({{"x", at::randn({4, 8})}});
    in_turn.forward(microbatch, inputs.back(), Pass::Train);
    in_turn.backward(microbatch);
  }
  for (int microbatch = 0; microbatch < 3; ++microbatch) {
    all_first.forward(microbatch, inputs[microbatch], Pass::Train);
  }
  for (int microbatch = 0; microbatch < 3; ++microbatch) {
    all_first.backward(microbatch);
  }
  EXPECT_TRUE(in_turn.gradient("w").equal(all_first.gradient("w")));
  for (Pipeline* each : {&in_turn, &all_first}) {
    const StageState& counter = each->stages().front().states().back();
    EXPECT_EQ(counter.tensor.item<float>(), 3.0F) << counter.fqn;
  }
}

// Returns the buffer that it writes in place.
constexpr const char* kReturnsCounter =
    "input %x: float32[2]\n"
    "buffer n = %n: float32[2]\n"
    "%a: float32[2] = aten.add_.Tensor(self=%n, other=%x)\n"
    "%v: float32[2] = aten.view.default(self=%a, size=ints[2])\n"
    "output y = %v\n";

TEST(Stage, AnOutputKeepsItsValueWhenTheNextRunWritesItsBuffer) {
  for (const Pass pass : {Pass::Infer, Pass::Train}) {
    Pipeline counter(kReturnsCounter, {}, {{"n", at::zeros({2})}});
    const UserInputs one = {{"x", at::ones({2})}};
    const at::Tensor first = counter.forward(0, one, pass);
    const at::Tensor second = counter.forward(1, one, pass);
    EXPECT_TRUE(first.equal(at::full({2}, 1.0F))) << first;
    EXPECT_TRUE(second.equal(at::full({2}, 2.0F))) << second;
  }
}

TEST(Stage, ATransmittedParameterGetsItsGradientFromEveryReader) {
  constexpr const char* kTied =
      "input %x: float32[s0=4, 8]\n"
      "parameter w = %w: float32[8, 8] grad\n"
      "%h: float32[s0=4, 8] = aten.linear.default(input=%x, weight=%w) @ a\n"
      "%i: float32[s0=4, 8] = aten.tanh.default(self=%h) @ b\n"
      "%y: float32[s0=4, 8] = aten.linear.default(input=%i, weight=%w) @ c\n"
      "output y = %y\n";
  const std::map<std::string, at::Tensor> states = {{"w", at::randn({8, 8})}};
  Pipeline whole(kTied, {}, states);
  Pipeline sent(kTied, {{"b"}, {"c"}}, states, true, /*transmit=*/true);
  EXPECT_EQ(sent.stages()[1].states().size(), 0);
  EXPECT_EQ(sent.stages()[2].states().size(), 0);
  for (int microbatch = 0; microbatch < 2; ++microbatch) {
    const UserInputs inputs = {{"x", at::randn({4, 8})}};
    EXPECT_TRUE(whole.forward(microbatch, inputs, Pass::Train)
                    .equal(sent.forward(microbatch, inputs, Pass::Train)));
  }
  for (int microbatch = 0; microbatch < 2; ++microbatch) {
    whole.backward(microbatch);
    sent.backward(microbatch);
  }
  EXPECT_TRUE(whole.gradient("w").allclose(sent.gradient("w"), 1e-6, 1e-6));
}

TEST(Stage, AReceivedValueWrittenInPlaceLeavesTheSendersAlone) {
  const auto states = weights();
  Pipeline whole(kSkip, {}, states);
  // Cut after the linear of b: relu_ writes what was received.
  const std::string text = kSkip;
  std::string cut_inside = text;
  cut_inside.replace(
      cut_inside.find("relu_.default(self=%j) @ b"),
      26,
      "relu_.default(self=%j) @ r");
  Pipeline split(cut_inside, {{"r"}}, states);
  const UserInputs inputs = {{"x", at::randn({4, 8})}};
  EXPECT_TRUE(whole.forward(0, inputs, Pass::Train)
                  .equal(split.forward(0, inputs, Pass::Train)));
  whole.backward(0);
  split.backward(0);
  EXPECT_TRUE(whole.gradient("b.w").equal(split.gradient("b.w")));
}

TEST(Stage, NothingIsSavedWithoutTraining) {
  Pipeline split(kSkip, {{"b"}}, weights());
  split.forward(0, {{"x", at::randn({4, 8})}}, Pass::Infer);
  for (const Stage& stage : split.stages()) {
    EXPECT_EQ(stage.num_saved(), 0);
  }
}

TEST(Stage, BackwardFreesWhatForwardSaved) {
  Pipeline split(kSkip, {{"b"}}, weights());
  split.forward(0, {{"x", at::randn({4, 8})}}, Pass::Train);
  EXPECT_EQ(split.stages()[0].num_saved(), 1);
  split.backward(0);
  EXPECT_EQ(split.stages()[0].num_saved(), 0);
  EXPECT_EQ(split.stages()[1].num_saved(), 0);
}

TEST(Stage, TheTwoHalvesOfABackwardMakeTheWholeToTheBit) {
  const auto states = weights();
  Pipeline whole(kSkip, {{"b"}, {"c"}}, states);
  Pipeline halves(kSkip, {{"b"}, {"c"}}, states);
  const UserInputs inputs = {{"x", at::randn({4, 8})}};
  whole.forward(0, inputs, Pass::Train);
  halves.forward(0, inputs, Pass::Train);
  whole.backward(0);
  Message message;
  for (size_t i = halves.stages().size(); i-- > 0;) {
    message = halves.stages()[i].backward_input(0, message);
  }
  for (const char* fqn : {"a.w", "b.w", "c.w"}) {
    EXPECT_FALSE(halves.gradient(fqn).defined()) << fqn;
  }
  for (Stage& stage : halves.stages()) {
    EXPECT_EQ(stage.num_saved(), 1);
    stage.backward_weight(0);
    EXPECT_EQ(stage.num_saved(), 0);
  }
  for (const char* fqn : {"a.w", "b.w", "c.w"}) {
    EXPECT_TRUE(whole.gradient(fqn).equal(halves.gradient(fqn))) << fqn;
  }
}

TEST(Stage, APassedOnValueUnderTwoNamesGetsTheLossesGradient) {
  const std::string text =
      "input %x: float32[4, 8]\n"
      "parameter a.w = %wa: float32[8, 8] grad\n"
      "parameter b.w = %wb: float32[8, 8] grad\n"
      "%h: float32[4, 8] = aten.linear.default(input=%x, weight=%wa) @ a\n"
      "%k: float32[4, 8] = aten.linear.default(input=%h, weight=%wb) @ b\n"
      "output y = %h\n"
      "output z = %h\n"
      "output other = %k\n";
  auto states = weights();
  states.erase("c.w");
  Pipeline whole(text, {}, states);
  Pipeline split(text, {{"b"}}, states);
  const UserInputs inputs = {{"x", at::randn({4, 8})}};
  for (Pipeline* each : {&whole, &split}) {
    each->forward(0, inputs, Pass::Train);
    each->backward(0);
  }
  ASSERT_TRUE(whole.gradient("a.w").defined());
  ASSERT_TRUE(split.gradient("a.w").defined());
  EXPECT_TRUE(whole.gradient("a.w").equal(split.gradient("a.w")));
}

TEST(Stage, AnIntegerValueCrossesWithoutAGradient) {
  const std::string text =
      "input %x: int64[4]\n"
      "parameter e.w = %w: float32[10, 3] grad\n"
      "%i: int64[4] = aten.bitwise_xor.Scalar(self=%x, other=1) @ a\n"
      "%e: float32[4, 3] = aten.embedding.default(weight=%w, indices=%i) @ b\n"
      "output y = %e\n";
  Pipeline split(text, {{"b"}}, {{"e.w", at::randn({10, 3})}}, false);
  split.forward(0, {{"x", at::arange(4)}}, Pass::Train);
  split.backward(0);
  EXPECT_TRUE(split.gradient("e.w").defined());
}

TEST(Stage, MutationsRebindTheBufferByMicrobatch) {
  const std::string text =
      "input %x: float32[2]\n"
      "buffer total = %t: float32[2]\n"
      "%n: float32[2] = aten.add.Tensor(self=%t, other=%x) @ a\n"
      "%y: float32[2] = aten.mul.Tensor(self=%n, other=%x) @ a\n"
      "output y = %y\n"
      "mutate total = %n\n";
  Pipeline one(text, {}, {{"total", at::zeros({2})}});
  one.forward(0, {{"x", at::ones({2})}}, Pass::Infer);
  one.forward(1, {{"x", at::ones({2})}}, Pass::Infer);
  EXPECT_TRUE(one.stages()[0].states()[0].tensor.equal(at::full({2}, 2.0)));
}

// Errors.

TEST(Stage, AShapeThatBreaksTheContractIsNamed) {
  Pipeline split(kSkip, {{"b"}}, weights());
  try {
    split.forward(3, {{"x", at::randn({4, 9})}}, Pass::Train);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Runtime);
    EXPECT_STREQ(
        error.what(),
        "PipeliningShapeError: stage 0, microbatch 3: 'x' should be "
        "float32[s0, 8], but is float32[4, 9]");
  }
}

TEST(Stage, ASymbolHasOneValueInAMicrobatch) {
  const std::string text =
      "input %x: float32[s0=4]\ninput %z: float32[s0=4]\n"
      "%y: float32[s0=4] = aten.add.Tensor(self=%x, other=%z) @ a\n"
      "output y = %y\n";
  Pipeline one(text, {}, {});
  try {
    one.forward(0, {{"x", at::ones({3})}, {"z", at::ones({5})}}, Pass::Infer);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(
        error.what(),
        "PipeliningShapeError: stage 0, microbatch 0: 'z' should be "
        "float32[s0] with s0 = 3, but is float32[5]");
  }
}

}  // namespace
}  // namespace pp
