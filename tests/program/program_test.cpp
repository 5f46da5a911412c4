#include "runtime/program/program.h"

#include <gtest/gtest.h>

#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>

#include "tests/program/graphs.h"
#include "tests/support/tensors.h"

namespace pp {
namespace {

using testing::graph_of;
using testing::run_text;

TEST(Program, RunsOperatorsWithDefaultsFilledIn) {
  const at::Tensor x = at::randn({2, 3});
  const at::Tensor w = at::randn({4, 3});
  const auto out = run_text(
      "input %x: float32[2, 3]\n"
      "parameter w = %w: float32[4, 3]\n"
      "%y: float32[2, 4] = aten.linear.default(input=%x, weight=%w)\n"
      "%z: float32[2, 4] = aten.gelu.default(self=%y)\n"
      "output z = %z\n",
      {x},
      {w});
  EXPECT_TRUE(out[0].toTensor().equal(at::gelu(at::linear(x, w))));
}

TEST(Program, ANumberInPlaceOfATensorKeepsTheTensorsType) {
  const at::Tensor x = at::ones({2}, at::kHalf);
  const auto out = run_text(
      "input %x: float16[2]\n"
      "%y: float16[2] = aten.mul.Tensor(self=%x, other=2.5)\n"
      "output y = %y\n",
      {x});
  EXPECT_EQ(out[0].toTensor().scalar_type(), at::kHalf);
}

TEST(Program, ReplacesDevicesOfTheExportByTheRanks) {
  const at::Tensor x = at::randn({2, 3});
  const auto out = run_text(
      "input %x: float32[2, 3]\n"
      "%a: float32[3] device(cuda:0) = aten.ones.default(size=ints[3], *, "
      "device=device(cuda:0), pin_memory=false)\n"
      "%b: float32[3] device(meta) = aten.full.default(size=ints[3], "
      "fill_value=2.0, *, device=device(meta))\n"
      "%y: float32[2, 3] = aten.mul.Tensor(self=%x, other=%a)\n"
      "%z: float32[2, 3] = aten.mul.Tensor(self=%y, other=%b)\n"
      "%w: bfloat16[2, 2] = aten.linear.default(input=%z, weight=%z) "
      "!autocast(cuda, bfloat16, true, true)\n"
      "output z = %z\noutput w = %w\n",
      {x});
  EXPECT_TRUE(out[0].toTensor().equal(x.mul(2)));
  EXPECT_EQ(out[1].toTensor().scalar_type(), at::kBFloat16);
}

TEST(Program, SizesAreValuesLikeAnyOther) {
  const at::Tensor x = at::randn({4, 6});
  const auto out = run_text(
      "input %x: float32[s0=2, 6]\n"
      "%n: int(s0=2) = aten.sym_size.int(self=%x, dim=0)\n"
      "%m: int(\"3*s0\"=6) = _operator.mul(%n, 3)\n"
      "%y: float32[\"3*s0\"=6, 2] = aten.view.default(self=%x, "
      "size=ints[%m, 2])\n"
      "%z: float32[\"3*s0\"=6, 2] = aten.mul.Tensor(self=%y, other=%n)\n"
      "output z = %z\noutput m = %m\n",
      {x});
  EXPECT_TRUE(out[0].toTensor().equal(x.view({12, 2}).mul(4)));
  EXPECT_EQ(out[1].toInt(), 12);
}

TEST(Program, UnpacksListsOfTensors) {
  const at::Tensor x = at::arange(6, at::kFloat);
  const auto out = run_text(
      "input %x: float32[6]\n"
      "[%a: float32[2], _, %c: float32[2]] = aten.split.Tensor(self=%x, "
      "split_size=2)\n"
      "%y: float32[4] = aten.cat.default(tensors=tensors[%c, %a])\n"
      "output y = %y\n",
      {x});
  EXPECT_TRUE(out[0].toTensor().equal(at::tensor({4, 5, 0, 1}, at::kFloat)));
}

TEST(Program, AValueUsedTwiceInOneCallSurvives) {
  const at::Tensor x = at::randn({3});
  const auto out = run_text(
      "input %x: float32[3]\n"
      "%y: float32[3] = aten.add.Tensor(self=%x, other=1)\n"
      "%z: float32[3] = aten.mul.Tensor(self=%y, other=%y)\n"
      "output z = %z\n",
      {x});
  EXPECT_TRUE(out[0].toTensor().equal(x.add(1).square()));
}

TEST(Program, FreesAValueAfterItsLastUse) {
  // The program holds the only reference to %y and drops it once %z is made.
  // (Outside inference mode a view keeps its base.)
  const c10::InferenceMode inference;
  const at::Tensor x = at::randn({3});
  const Program program(
      graph_of("input %x: float32[3]\n"
               "%y: float32[3] = aten.clone.default(self=%x)\n"
               "%z: float32[3] = aten.view.default(self=%y, size=ints[3])\n"
               "%unused: float32[3] = aten.exp.default(self=%z)\n"
               "output z = %z\n"),
      {{}, "test"});
  EXPECT_EQ(program.size(), 2);  // the unused exp is left out
  const auto out = program.run({x}, {}, {}).outputs;
  EXPECT_EQ(
      out[0].toTensor().storage().use_count(),
      at::ones({3}).storage().use_count());
}

TEST(Program, LeavesOutWhatOnlyUnwantedOutputsNeed) {
  const ir::Graph graph = graph_of(
      "input %x: float32[3]\n"
      "%y: float32[3] = aten.exp.default(self=%x)\n"
      "%z: float32[3] = aten.sin.default(self=%x)\n"
      "output y = %y\noutput z = %z\n");
  const Program program(graph, {{0, 1}, "test"});
  EXPECT_EQ(program.size(), 1);
  const auto out = program.run({at::ones({3})}, {}, {}).outputs;
  EXPECT_TRUE(out[0].isNone());
  EXPECT_TRUE(out[1].toTensor().equal(at::ones({3}).sin()));
}

TEST(Program, ANodesGradModeOverridesTheCallers) {
  const at::Tensor x = at::ones({3}).set_requires_grad(true);
  const auto out = run_text(
      "input %x: float32[3]\n"
      "%y: float32[3] = aten.exp.default(self=%x) !nograd\n"
      "%z: float32[3] = aten.mul.Tensor(self=%x, other=%y)\n"
      "output y = %y\noutput z = %z\n",
      {x});
  EXPECT_FALSE(out[0].toTensor().requires_grad());
  EXPECT_TRUE(out[1].toTensor().requires_grad());
  EXPECT_TRUE(c10::GradMode::is_enabled());
}

TEST(Program, AutocastAppliesOnlyToItsNodes) {
  const at::Tensor x = at::ones({2, 2});
  const auto out = run_text(
      "input %x: float32[2, 2]\n"
      "%y: bfloat16[2, 2] = aten.mm.default(self=%x, mat2=%x) "
      "!autocast(cpu, bfloat16, true, true)\n"
      "%z: float32[2, 2] = aten.mm.default(self=%x, mat2=%x)\n"
      "output y = %y\noutput z = %z\n",
      {x});
  EXPECT_EQ(out[0].toTensor().scalar_type(), at::kBFloat16);
  EXPECT_EQ(out[1].toTensor().scalar_type(), at::kFloat);
}

TEST(Program, SaysWhichInputsItWritesThroughViewsToo) {
  const Program program(
      graph_of(
          "input %a: float32[4]\ninput %b: float32[4]\n"
          "%v: float32[2, 2] = aten.view.default(self=%a, size=ints[2, 2])\n"
          "%w: float32[2, 2] = aten.add_.Tensor(self=%v, other=1)\n"
          "%y: float32[4] = aten.add.Tensor(self=%a, other=%b)\n"
          "output y = %y\n"),
      {{}, "test"});
  EXPECT_EQ(program.written_inputs(), (std::vector<uint8_t>{1, 0}));
}

TEST(Program, ReturnsMutationsByPosition) {
  const Program program(
      graph_of("input %x: float32[2]\n"
               "buffer total = %t: float32[2]\n"
               "%n: float32[2] = aten.add.Tensor(self=%t, other=%x)\n"
               "output x = %x\n"
               "mutate total = %n\n"),
      {{}, "test"});
  const at::Tensor total = at::ones({2});
  const auto result =
      program.run({at::ones({2})}, std::vector<at::Tensor>{total}, {});
  EXPECT_TRUE(result.mutated[0].equal(at::full({2}, 2.0)));
  EXPECT_TRUE(total.equal(at::ones({2})));  // the caller stores the new value
}

// Errors.

TEST(Program, AFailingOperatorIsNamedWithNodeAndModule) {
  expect_error(
      ErrorKind::Runtime,
      {"test: operator 'aten.view.default' (node 'y' in layers.0) failed: "
       "shape '[3]' is invalid for input of size 2"},
      [] {
        run_text(
            "input %x: float32[2]\n"
            "%y: float32[3] = aten.view.default(self=%x, size=ints[3]) "
            "@ layers.0\n"
            "output y = %y\n",
            {at::ones({2})});
      });
}

TEST(Program, AnArgumentThatTheSchemaLacksIsRefused) {
  const ir::Graph graph = ir::parse_text(
      "input %x: float32[2]\n"
      "%y: float32[2] = aten.exp.default(self=%x, power=3)\n"
      "output y = %y\n");
  expect_error(
      ErrorKind::Input,
      {"stage 0: node 'y' calls 'aten.exp.default': its schema has no argument "
       "'power'"},
      [&] {
        const Program program(graph, {{}, "stage 0"});
      });
}

}  // namespace
}  // namespace pp
