// Tests recording as a whole: islands of autograd between rules, memory written
// in place, recomputed modules, parameters and inputs with several readers.

#include <gtest/gtest.h>

#include "tests/rules/against_autograd.h"
#include "tests/support/tensors.h"

namespace pp {
namespace {

using testing::graph_of;

struct Case {
  std::string name;
  std::string calls;
  size_t num_islands;
  std::vector<std::string> recompute = {};
};

std::ostream& operator<<(std::ostream& out, const Case& test) {
  return out << test.name;
}

std::vector<Case> island_cases() {
  return {
      {"AnIslandBetweenRules",
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%w)\n"
       "%b: float32[4, 8] = aten.cumsum.default(self=%a, dim=1)\n"
       "%c: float32[4, 8] = aten.flip.default(self=%b, dims=ints[0])\n"
       "%y: float32[4, 8] = aten.mul.Tensor(self=%c, other=%a)\n",
       1},
      {"ACallThatItsRuleDoesNotCover",
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%w)\n"
       "%b: float32[4, 8] = aten.add.Tensor(self=%a, other=%x, alpha=2)\n"
       "%c: float32[8, 8] = aten.cat.default(tensors=tensors[%b, %a])\n"
       "%y: float32[8, 8] = aten.tanh.default(self=%c)\n",
       1},
      {"AttentionOnTwoDimensions",
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%w)\n"
       "%y: float32[4, 8] = aten.scaled_dot_product_attention.default("
       "query=%a, key=%a, value=%x)\n",
       1},
      {"ComplexIntermediates",
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%w)\n"
       "%f: complex64[4, 5] = aten.fft_rfft.default(self=%a)\n"
       "%g: complex64[4, 5] = aten.mul.Tensor(self=%f, other=0.5)\n"
       "%i: float32[4, 8] = aten.fft_irfft.default(self=%g, n=8)\n"
       "%y: float32[4, 8] = aten.add.Tensor(self=%i, other=%x)\n",
       3},
      {"AnIslandThatTransposesItsInput",
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%w)\n"
       "%y: float32[8, 4] = aten.mT.default(self=%a)\n",
       1},
      {"WithoutAGradient",
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%w)\n"
       "%d: float32[4, 8] = aten.detach.default(self=%a)\n"
       "%i: int64[4] = aten.argmax.default(self=%d, dim=1)\n"
       "%z: float32[4, 8] = aten.zeros_like.default(self=%a)\n"
       "%b: float32[4, 8] = aten.add.Tensor(self=%z, other=%d)\n"
       "%y: float32[4, 8] = aten.mul.Tensor(self=%a, other=%b)\n",
       0},
  };
}

std::vector<Case> parameter_cases() {
  return {
      {"AnIslandThatReadsAParameterAndAValueMadeFromIt",
       "%t: float32[8, 8] = aten.t.default(self=%w)\n"
       "%a: float32[4, 8] = aten.tanh.default(self=%x)\n"
       "%b: float32[4, 8] = aten.matmul.default(self=%a, other=%t)\n"
       "%c: float32[4, 8] = aten.matmul.default(self=%b, other=%w)\n"
       "%y: float32[4, 8] = aten.sigmoid.default(self=%c)\n",
       1},
      {"CallsThatReadParametersOnly",
       "%n: float32[8, 8] = aten.mul.Tensor(self=%w, other=%w)\n"
       "%o: float32[8, 8] = aten.exp.default(self=%n)\n"
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%o)\n"
       "%b: float32[4, 8] = aten.linear.default(input=%a, weight=%w)\n"
       "%y: float32[4, 8] = aten.add.Tensor(self=%b, other=%a)\n",
       0},
      {"AnIslandThatReadsParametersOnly",
       "%n: float32[8, 8] = aten.cumsum.default(self=%w, dim=0)\n"
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%n)\n"
       "%y: float32[4, 8] = aten.relu.default(self=%a)\n",
       1},
      {"AViewOfAParameterBesideAnInput",
       "%s: float32[1, 8] = aten.slice.Tensor(self=%w, dim=0, start=0, end=1)\n"
       "%q: float32[8] = aten.squeeze.dims(self=%s, dim=ints[0])\n"
       "%r: float32[4, 8] = aten.slice.Tensor(self=%w, dim=0, start=0, end=4)\n"
       "%u: float32[4, 8] = aten.swapaxes.default(self=%r, axis0=0, axis1=0)\n"
       "%a: float32[4, 8] = aten.add.Tensor(self=%x, other=%u)\n"
       "%y: float32[4, 8] = aten.add.Tensor(self=%a, other=%q)\n",
       2},
  };
}

std::vector<Case> in_place_cases() {
  return {
      {"ReluInPlace",
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%w)\n"
       "%b: float32[4, 8] = aten.relu_.default(self=%a)\n"
       "%y: float32[4, 8] = aten.add_.Tensor(self=%b, other=%x)\n",
       0},
      {"AnInputWrittenInPlace",
       "%a: float32[4, 8] = aten.tanh.default(self=%x)\n"
       "%b: float32[4, 8] = aten.mul_.Tensor(self=%x, other=2.0)\n"
       "%c: float32[4, 8] = aten.linear.default(input=%x, weight=%w)\n"
       "%y: float32[4, 8] = aten.add.Tensor(self=%c, other=%a)\n",
       1},
      {"AViewWrittenInPlace",
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%w)\n"
       "%s: float32[4] = aten.select.int(self=%a, dim=1, index=0)\n"
       "%u: float32[4] = aten.mul_.Tensor(self=%s, other=3.0)\n"
       "%y: float32[4, 8] = aten.tanh.default(self=%a)\n",
       1},
      {"AMaskWrittenInPlace",
       "%m: bool[4, 8] = aten.gt.Scalar(self=%x, other=0.5)\n"
       "%s: bool[8] = aten.select.int(self=%m, dim=0, index=1)\n"
       "%f: bool[8] = aten.fill_.Scalar(self=%s, value=true)\n"
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%w)\n"
       "%y: float32[4, 8] = aten.masked_fill.Scalar(self=%a, mask=%m, "
       "value=0.0)\n",
       0},
      {"AParameterWrittenInPlace",
       "%d: float32[8, 8] = aten.detach.default(self=%w)\n"
       "%c: float32[8, 8] = aten.clamp_.default(self=%d, min=-0.5)\n"
       "%y: float32[4, 8] = aten.linear.default(input=%x, weight=%w)\n",
       0},
      {"WrittenInPlaceAfterTypeAs",
       "%h: float32[4, 8] = aten.linear.default(input=%x, weight=%w)\n"
       "%t: float32[4, 8] = aten.type_as.default(self=%h, other=%w)\n"
       "%m: float32[4, 8] = aten.mul_.Tensor(self=%t, other=2.0)\n"
       "%y: float32[4, 8] = aten.tanh.default(self=%h)\n",
       1},
      {"InPlaceUnderAutocast",
       "%a: bfloat16[4, 8] = aten.linear.default(input=%x, weight=%w) "
       "!autocast(cpu, bfloat16, true, true)\n"
       "%b: bfloat16[4, 8] = aten.add_.Tensor(self=%a, other=%x) "
       "!autocast(cpu, bfloat16, true, true)\n"
       "%c: float32[4, 8] = aten.to.dtype(self=%b, dtype=float32)\n"
       "%y: float32[4, 8] = aten.tanh.default(self=%c)\n",
       1},
  };
}

std::vector<Case> recompute_cases() {
  return {
      {"ARecomputedModule",
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%w) @ m\n"
       "%b: float32[4, 8] = aten.dropout.default(input=%a, p=0.5, "
       "train=true) @ m\n"
       "%c: float32[4, 8] = aten.cumsum.default(self=%b, dim=1) @ m\n"
       "%y: float32[4, 8] = aten.mul.Tensor(self=%c, other=%x)\n",
       1,
       {"m"}},
      {"ARecomputedModuleThatReadsParametersOnly",
       "%n: float32[8, 8] = aten.exp.default(self=%w) @ m\n"
       "%o: float32[8, 8] = aten.mul.Tensor(self=%n, other=%w) @ m\n"
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%o)\n"
       "%y: float32[4, 8] = aten.tanh.default(self=%a)\n",
       1,
       {"m"}},
  };
}

class Tapes : public ::testing::TestWithParam<Case> {};

TEST_P(Tapes, GiveAutogradsBits) {
  const Case& test = GetParam();
  at::manual_seed(5);
  const ir::Graph graph = graph_of(
      "input %x: float32[4, 8]\nparameter w = %w: float32[8, 8] grad\n" +
      test.calls + "output y = %y\n");
  const std::vector<at::Tensor> inputs = {at::randn({4, 8})};
  const std::vector<at::Tensor> states = {
      at::randn({8, 8}).set_requires_grad(true)};
  const Program reference(graph, {{}, "test"});
  const Program program(graph, {{}, "test", test.recompute});
  testing::expect_autograds_bits(
      reference, program, inputs, states, test.num_islands);
}

// A gradient arrives as a conjugate whose memory isn't conjugated.
TEST(Tape, GivesAutogradsBitsForComplexParametersAndInputs) {
  at::manual_seed(5);
  const ir::Graph graph = graph_of(
      "input %x: complex64[4, 8]\n"
      "input %r: float32[4, 8]\n"
      "parameter w = %w: complex64[8, 8] grad\n"
      "parameter v = %v: float32[4, 8] grad\n"
      "%k: complex64[8, 8] = aten.conj.default(self=%w)\n"
      "%a: complex64[4, 8] = aten.mm.default(self=%x, mat2=%k)\n"
      "%b: complex64[4, 8] = aten.mul.Tensor(self=%r, other=%a)\n"
      "%c: complex64[4, 8] = aten.add.Tensor(self=%b, other=%v)\n"
      "%d: complex64[4, 8] = aten.mul_.Tensor(self=%c, other=0.5)\n"
      "%y: float32[4, 8] = aten.imag.default(self=%d)\n"
      "output y = %y\n"
      "output z = %d\n");
  const std::vector<at::Tensor> inputs = {
      at::randn({4, 8}, at::kComplexFloat), at::randn({4, 8})};
  const std::vector<at::Tensor> states = {
      at::randn({8, 8}, at::kComplexFloat).set_requires_grad(true),
      at::randn({4, 8}).set_requires_grad(true)};
  const Program program(graph, {{}, "test"});
  testing::expect_autograds_bits(program, program, inputs, states, 4);
}

TEST(Tape, LeavesNoConjugationPendingInAGradient) {
  const ir::Graph graph = graph_of(
      "input %x: complex64[3]\n"
      "parameter w = %w: complex64[3] grad\n"
      "%k: complex64[3] = aten.conj.default(self=%w)\n"
      "%y: complex64[3] = aten.mul.Tensor(self=%k, other=%x)\n"
      "output y = %y\n");
  const Program program(graph, {{}, "test"});
  const at::Tensor w =
      at::randn({3}, at::kComplexFloat).set_requires_grad(true);
  RecordedRun run = program.record(
      {at::randn({3}, at::kComplexFloat)},
      std::vector<uint8_t>{0},
      std::vector<at::Tensor>{w},
      {});
  run.tape.seed(0, at::ones({3}, at::kComplexFloat));
  run.tape.backward(Half::Both);
  EXPECT_FALSE(w.grad().is_conj());
}

std::string case_name(const ::testing::TestParamInfo<Case>& test) {
  return test.param.name;
}
INSTANTIATE_TEST_SUITE_P(
    Islands, Tapes, ::testing::ValuesIn(island_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(
    Parameters, Tapes, ::testing::ValuesIn(parameter_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(
    InPlace, Tapes, ::testing::ValuesIn(in_place_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(
    Recompute, Tapes, ::testing::ValuesIn(recompute_cases()), case_name);

// The input's old values are gone when the backward would read them.
TEST(Tape, AModuleWhoseInputIsOverwrittenCantBeRecomputed) {
  const ir::Graph graph = graph_of(
      "input %x: float32[4, 8]\n"
      "%a: float32[4, 8] = aten.tanh.default(self=%x)\n"
      "%b: float32[4, 8] = aten.sigmoid.default(self=%a) @ m\n"
      "%s: float32[4] = aten.select.int(self=%a, dim=1, index=0)\n"
      "%u: float32[4] = aten.mul_.Tensor(self=%s, other=2.0)\n"
      "%y: float32[4, 8] = aten.add.Tensor(self=%b, other=%a)\n"
      "output y = %y\n");
  expect_error(
      ErrorKind::Usage,
      {"stage 1: 'm' can't be recomputed: it reads 'a', which is modified "
       "in place"},
      [&] {
        const Program program(graph, {{}, "stage 1", {"m"}});
      });
}

TEST(Tape, AFailedBackwardNamesOperatorNodeAndModule) {
  const Program program(
      graph_of("input %x: float32[4, 8]\n"
               "%y: float32[4, 8] = aten.tanh.default(self=%x) @ layers.1\n"
               "output y = %y\n"),
      {{}, "stage 2"});
  RecordedRun run =
      program.record({at::randn({4, 8})}, std::vector<uint8_t>{1}, {}, {});
  run.tape.seed(0, at::ones({3}));
  expect_error(
      ErrorKind::Runtime,
      {"stage 2: operator 'aten.tanh.default' (node 'y' in layers.1) failed in "
       "its backward: "},
      [&] { run.tape.backward(Half::Both); });
}

}  // namespace
}  // namespace pp
