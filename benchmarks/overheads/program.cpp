#include "runtime/program/program.h"

#include <string>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "benchmarks/overheads/overheads.h"
#include "loader/ir/text.h"
#include "loader/operators/schemas.h"

namespace pp::benchmarks {
namespace {

constexpr int kTurns = 20;  // through the six operators of by_hand
constexpr int kOperators = 6 * kTurns;
constexpr int kRounds = 400;

at::Tensor by_hand(const at::Tensor& x) {
  at::Tensor v = x;
  for (int i = 0; i < kTurns; ++i) {
    v = at::linear(v, x);
    v = at::tanh(v);
    v = at::add(v, x);
    v = at::transpose(v, 0, 1);
    v = at::gelu(v);
    v = at::mul(v, x);
  }
  return v;
}

Program same_as_program() {
  std::string text = "input %x: float32[4, 4]\n";
  std::string last = "%x";
  int count = 0;
  const auto add = [&](const std::string& call) {
    const std::string name = "%v" + std::to_string(count++);
    text += name + ": float32[4, 4] = aten." + call + "\n";
    last = name;
  };
  for (int i = 0; i < kTurns; ++i) {
    add("linear.default(input=" + last + ", weight=%x)");
    add("tanh.default(self=" + last + ")");
    add("add.Tensor(self=" + last + ", other=%x)");
    add("transpose.int(self=" + last + ", dim0=0, dim1=1)");
    add("gelu.default(self=" + last + ")");
    add("mul.Tensor(self=" + last + ", other=%x)");
  }
  ir::Graph graph = ir::parse_text(text + "output y = " + last + "\n");
  annotate_effects(graph, "benchmark");
  return {graph, {{}, "benchmark"}};
}

}  // namespace

ProgramOverhead program_overhead() {
  const c10::NoGradGuard no_grad;
  const at::Tensor x = at::full({4, 4}, 0.1);
  const Program program = same_as_program();
  std::vector<double> through_program;
  std::vector<double> direct;
  for (int i = 0; i < kRounds; ++i) {
    direct.push_back(seconds([&] { by_hand(x); }));
    through_program.push_back(seconds([&] { program.run({x}, {}, {}); }));
  }
  return {
      1e9 * median(through_program) / kOperators,
      1e9 * median(direct) / kOperators};
}

}  // namespace pp::benchmarks
