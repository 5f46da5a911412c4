// Recording as a whole: islands of autograd between rules, memory written in
// place, repeats, parameters and inputs read more than once.

#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "tests/autodiff/against_autograd.h"

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

std::vector<Case> cases() {
  return {
      {"AnIslandBetweenRules",
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%w)\n"
       "%b: float32[4, 8] = aten.cumsum.default(self=%a, dim=1)\n"
       "%c: float32[4, 8] = aten.flip.default(self=%b, dims=ints[0])\n"
       "%y: float32[4, 8] = aten.mul.Tensor(self=%c, other=%a)\n",
       1},
      {"AnIslandThatReadsAParameterAndWhatIsMadeOfOne",
       "%t: float32[8, 8] = aten.t.default(self=%w)\n"
       "%a: float32[4, 8] = aten.tanh.default(self=%x)\n"
       "%b: float32[4, 8] = aten.matmul.default(self=%a, other=%t)\n"
       "%c: float32[4, 8] = aten.matmul.default(self=%b, other=%w)\n"
       "%y: float32[4, 8] = aten.sigmoid.default(self=%c)\n",
       1},
      {"ParametersAloneOnTheWay",
       "%n: float32[8, 8] = aten.mul.Tensor(self=%w, other=%w)\n"
       "%o: float32[8, 8] = aten.exp.default(self=%n)\n"
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%o)\n"
       "%b: float32[4, 8] = aten.linear.default(input=%a, weight=%w)\n"
       "%y: float32[4, 8] = aten.add.Tensor(self=%b, other=%a)\n",
       0},
      {"AnIslandOfParametersAlone",
       "%n: float32[8, 8] = aten.cumsum.default(self=%w, dim=0)\n"
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%n)\n"
       "%y: float32[4, 8] = aten.relu.default(self=%a)\n",
       1},
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
      {"ACallThatItsRuleDoesNotKnow",
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%w)\n"
       "%b: float32[4, 8] = aten.add.Tensor(self=%a, other=%x, alpha=2)\n"
       "%c: float32[8, 8] = aten.cat.default(tensors=tensors[%b, %a])\n"
       "%y: float32[8, 8] = aten.tanh.default(self=%c)\n",
       1},
      {"ComplexOnTheWay",
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%w)\n"
       "%f: complex64[4, 5] = aten.fft_rfft.default(self=%a)\n"
       "%g: complex64[4, 5] = aten.mul.Tensor(self=%f, other=0.5)\n"
       "%i: float32[4, 8] = aten.fft_irfft.default(self=%g, n=8)\n"
       "%y: float32[4, 8] = aten.add.Tensor(self=%i, other=%x)\n",
       3},
      {"AnIslandThatTurnsWhatItReads",
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%w)\n"
       "%y: float32[8, 4] = aten.mT.default(self=%a)\n",
       1},
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
      {"AViewOfAParameterBesideAnInput",
       "%s: float32[1, 8] = aten.slice.Tensor(self=%w, dim=0, start=0, end=1)\n"
       "%q: float32[8] = aten.squeeze.dims(self=%s, dim=ints[0])\n"
       "%r: float32[4, 8] = aten.slice.Tensor(self=%w, dim=0, start=0, end=4)\n"
       "%u: float32[4, 8] = aten.swapaxes.default(self=%r, axis0=0, axis1=0)\n"
       "%a: float32[4, 8] = aten.add.Tensor(self=%x, other=%u)\n"
       "%y: float32[4, 8] = aten.add.Tensor(self=%a, other=%q)\n",
       2},
      {"WithoutAGradient",
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%w)\n"
       "%d: float32[4, 8] = aten.detach.default(self=%a)\n"
       "%i: int64[4] = aten.argmax.default(self=%d, dim=1)\n"
       "%z: float32[4, 8] = aten.zeros_like.default(self=%a)\n"
       "%b: float32[4, 8] = aten.add.Tensor(self=%z, other=%d)\n"
       "%y: float32[4, 8] = aten.mul.Tensor(self=%a, other=%b)\n",
       0},
      {"InPlaceUnderAutocast",
       "%a: bfloat16[4, 8] = aten.linear.default(input=%x, weight=%w) "
       "!autocast(cpu, bfloat16, true, true)\n"
       "%b: bfloat16[4, 8] = aten.add_.Tensor(self=%a, other=%x) "
       "!autocast(cpu, bfloat16, true, true)\n"
       "%c: float32[4, 8] = aten.to.dtype(self=%b, dtype=float32)\n"
       "%y: float32[4, 8] = aten.tanh.default(self=%c)\n",
       1},
      {"OneModuleRunAgain",
       "%a: float32[4, 8] = aten.linear.default(input=%x, weight=%w) @ m\n"
       "%b: float32[4, 8] = aten.dropout.default(input=%a, p=0.5, "
       "train=true) @ m\n"
       "%c: float32[4, 8] = aten.cumsum.default(self=%b, dim=1) @ m\n"
       "%y: float32[4, 8] = aten.mul.Tensor(self=%c, other=%x)\n",
       1,
       {"m"}},
      {"AModuleOfParametersRunAgain",
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

INSTANTIATE_TEST_SUITE_P(
    Each, Tapes, ::testing::ValuesIn(cases()), [](const auto& test) {
      return test.param.name;
    });

// What it would read in the backward is no longer there.
TEST(Tape, AModuleWhoseInputIsWrittenCantBeRunAgain) {
  const ir::Graph graph = graph_of(
      "input %x: float32[4, 8]\n"
      "%a: float32[4, 8] = aten.tanh.default(self=%x)\n"
      "%b: float32[4, 8] = aten.sigmoid.default(self=%a) @ m\n"
      "%s: float32[4] = aten.select.int(self=%a, dim=1, index=0)\n"
      "%u: float32[4] = aten.mul_.Tensor(self=%s, other=2.0)\n"
      "%y: float32[4, 8] = aten.add.Tensor(self=%b, other=%a)\n"
      "output y = %y\n");
  try {
    const Program program(graph, {{}, "stage 1", {"m"}});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    EXPECT_NE(
        std::string(error.what())
            .find("stage 1: 'm' can't be recomputed: it reads 'a', which is "
                  "written in place"),
        std::string::npos)
        << error.what();
  }
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
  try {
    run.tape.backward(Half::Both);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(
        std::string(error.what())
            .find("stage 2: operator 'aten.tanh.default' (node 'y' in "
                  "layers.1) failed in its backward: "),
        std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace pp
