#include "runtime/program/in_double.h"

#include <gtest/gtest.h>

#include "loader/ir/lint.h"
#include "tests/program/graphs.h"

namespace pp {
namespace {

ir::Graph widened(const std::string& text) {
  ir::Graph graph = testing::graph_of(text);
  set_double(graph);
  ir::lint(graph, "test");
  return graph;
}

std::vector<c10::IValue> run_in_double(
    const std::string& text,
    std::vector<c10::IValue> inputs,
    std::vector<at::Tensor> states = {}) {
  const Program program(widened(text), {{}, "test"});
  return program.run(std::move(inputs), states, {}).outputs;
}

TEST(InDouble, WidensSinglePrecisionOnly) {
  using enum ir::ScalarType;
  EXPECT_EQ(in_double(Float), Double);
  EXPECT_EQ(in_double(ComplexFloat), ComplexDouble);
  for (const ir::ScalarType type :
       {Double, ComplexDouble, BFloat16, Half, Long, Bool}) {
    EXPECT_EQ(in_double(type), type);
  }
  const at::Tensor weight = at::randn({3}).set_requires_grad(true);
  EXPECT_TRUE(in_double(weight).requires_grad());
  EXPECT_TRUE(in_double(weight).is_leaf());
  EXPECT_EQ(in_double(weight).scalar_type(), at::kDouble);
}

TEST(InDouble, AGraphComputesInDoubleWhateverTypesItNames) {
  const at::Tensor x = at::randn({4});
  const at::Tensor w = at::randn({4});
  const auto outputs = run_in_double(
      "input %x: float32[4]\n"
      "parameter w = %w: float32[4] grad\n"
      "%a: float32[4] = aten.to.dtype(self=%x, dtype=float32)\n"
      "%s: float32[4] = aten.softmax.int(self=%a, dim=0, dtype=float32)\n"
      "%n: float32[4] = aten.to.dtype(self=%s, dtype=6)\n"
      "%y: float32[4] = aten.mul.Tensor(self=%n, other=%w)\n"
      "%c: complex64[4] = aten.complex.default(real=%y, imag=%x)\n"
      "output y = %y\n"
      "output c = %c\n",
      {in_double(x)},
      {in_double(w)});
  const at::Tensor y = x.to(at::kDouble).softmax(0).mul(w.to(at::kDouble));
  EXPECT_TRUE(at::equal(outputs[0].toTensor(), y));
  EXPECT_EQ(outputs[1].toTensor().scalar_type(), at::kComplexDouble);
}

// ones() and the quotient of integers are float32 without being asked.
TEST(InDouble, ConvertsWhatOperatorsMakeInFloat) {
  const at::Tensor x = at::randn({4}, at::kDouble);
  const auto outputs = run_in_double(
      "input %x: float32[4]\n"
      "%o: float32[4] = aten.ones.default(size=ints[4])\n"
      "%p: float32[4] = aten.mul_.Tensor(self=%o, other=0.1)\n"
      "%i: int64[4] = aten.arange.default(end=4)\n"
      "%q: float32[4] = aten.div.Tensor(self=%i, other=2)\n"
      "%d: float32[] = aten.dot.default(self=%x, tensor=%o)\n"
      "%e: float32[] = aten.dot.default(self=%x, tensor=%q)\n"
      "output d = %d\n"
      "output e = %e\n"
      "output q = %q\n"
      "output i = %i\n",
      {x});
  EXPECT_NEAR(
      outputs[0].toTensor().item<double>(), x.sum().item<double>() / 10, 1e-15);
  EXPECT_TRUE(at::equal(
      outputs[1].toTensor(), x.dot(at::arange(4, at::kDouble).div(2))));
  EXPECT_EQ(outputs[2].toTensor().scalar_type(), at::kDouble);
  EXPECT_EQ(outputs[3].toTensor().scalar_type(), at::kLong);
}

TEST(InDouble, ReachesIntoBranches) {
  const std::string block =
      "{\n"
      "  input %x: float32[2]\n"
      "  %d: float32[2] = aten.to.dtype(self=%x, dtype=float32)\n"
      "  output result = %d\n"
      "}";
  const std::string text =
      "input %x: float32[2]\n"
      "input %p: bool[]\n"
      "%y: float32[2] = higher_order.cond(%p, graph \"yes\" " +
      block + ", graph \"no\" " + block + ", tensors[%x])\noutput y = %y\n";
  const at::Tensor x = at::randn({2}, at::kDouble);
  const auto outputs = run_in_double(text, {x, at::ones({}, at::kBool)});
  EXPECT_TRUE(at::equal(outputs[0].toTensor(), x));
  EXPECT_EQ(obstacle_to_double(testing::graph_of(text)), "");
}

TEST(InDouble, HalfPrecisionIsAnObstacle) {
  EXPECT_EQ(
      obstacle_to_double(
          testing::graph_of("input %x: bfloat16[2]\noutput y = %x\n")),
      "'x' is bfloat16");
  EXPECT_EQ(
      obstacle_to_double(
          testing::graph_of("input %x: float32[2]\n"
                            "%y: float32[2] = aten.relu.default(self=%x) "
                            "!autocast(cpu, bfloat16, true, true)\n"
                            "output y = %y\n")),
      "node 'y' runs under autocast");
  EXPECT_EQ(
      obstacle_to_double(
          testing::graph_of("input %x: tensor\n"
                            "%y: tensor = aten.to.dtype(self=%x, dtype=5)\n"
                            "output y = %y\n")),
      "node 'y' names float16");
}

}  // namespace
}  // namespace pp
