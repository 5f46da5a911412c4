#include "runtime/stage/stage_programs.h"

#include <gtest/gtest.h>

#include <ATen/ATen.h>

#include "loader/ir/text.h"
#include "loader/operators/schemas.h"

namespace pp {
namespace {

/// Compiles a stage that receives h and sends h and k on.
StagePrograms compile(const std::string& node) {
  ir::Graph graph = ir::parse_text(
      "input %h: float32[2]\n" + node + "output h = %h\noutput k = %k\n");
  annotate_effects(graph, "test");
  Border border;
  border.exits.resize(2);
  border.exits[0].to_next = true;
  border.exits[0].relay_input = 0;
  border.exits[1].to_next = true;
  return compile_programs(graph, border, std::nullopt, "test");
}

std::vector<c10::IValue> run(const StagePrograms& programs) {
  return programs.main.run({at::tensor({-1.0F, 2.0F})}, {}, {}).outputs;
}

TEST(StagePrograms, LeaveOutAValueThatOnlyPassesThrough) {
  const StagePrograms programs =
      compile("%k: float32[2] = aten.relu.default(self=%h)\n");
  const auto outputs = run(programs);
  EXPECT_TRUE(outputs[0].isNone());
  EXPECT_TRUE(outputs[1].toTensor().equal(at::tensor({0.0F, 2.0F})));
}

TEST(StagePrograms, PassOnAWrittenValueAsWritten) {
  for (const char* node :
       {"%k: float32[2] = aten.relu_.default(self=%h)\n",
        "%v: float32[2] = aten.view.default(self=%h, size=ints[2])\n"
        "%k: float32[2] = aten.relu_.default(self=%v)\n"}) {
    const StagePrograms programs = compile(node);
    EXPECT_EQ(programs.main.written_inputs(), std::vector<uint8_t>{1}) << node;
    const auto outputs = run(programs);
    EXPECT_TRUE(outputs[0].toTensor().equal(at::tensor({0.0F, 2.0F}))) << node;
  }
}

}  // namespace
}  // namespace pp
