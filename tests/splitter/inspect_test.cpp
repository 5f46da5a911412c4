#include "splitter/inspect/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "loader/ir/text.h"
#include "splitter/cut/partition.h"

namespace pp {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Model example() {
  Model model;
  model.path = "net.pt2";
  model.graph = ir::parse_text(R"(
range n = 2..64
module a type(torch.nn.Linear)
module h.0 type(net.Block)
module h.0.c type(torch.nn.Linear)
module b type(torch.nn.Linear)
input %x: float32[n=4, 8]
parameter a.weight = %w: float32[8, 8] grad alias(b.weight)
parameter h.0.c.weight = %c: float32[8, 8] grad
parameter spare.weight = %s: float32[2] grad
%i: float32[n=4, 8] grad = aten.linear.default(input=%x, weight=%w) @ a
%j: float32[n=4, 8] grad = aten.linear.default(input=%i, weight=%c) @ h.0 / h.0.c
%k: float32[n=4, 8] grad = aten.add.Tensor(self=%j, other=%i) @ h.0
%y: float32[n=4, 8] grad = aten.linear.default(input=%k, weight=%w) @ b
output logits = %y
)");
  return model;
}

/// The stages of the example as open_stages() would return them, without files.
StageDirectory example_stages() {
  const Model model = example();
  SplitSpec spec;
  spec.at = {parse_split_point("h"), parse_split_point("b")};
  Partition parts = partition(model, spec);
  StageDirectory out;
  out.manifest = std::move(parts.manifest);
  for (size_t i = 0; i < parts.stages.size(); ++i) {
    out.manifest.stages[i].file = "stage_" + std::to_string(i) + ".pt2";
    out.stages.push_back(model);
    out.stages.back().graph = std::move(parts.stages[i]);
  }
  return out;
}

TEST(InspectModel, DrawsTheModuleTree) {
  EXPECT_THAT(
      inspect(example(), {}),
      HasSubstr("module      type          parameters  bytes  FLOPs\n"
                "net.pt2                          130  520 B   1.5K\n"
                "├─ a        Linear                64  256 B    512\n"
                "├─ h                              64  256 B    512\n"
                "│  └─ 0     Block                 64  256 B    512\n"
                "│     └─ c  Linear                64  256 B    512\n"
                "├─ b        Linear                             512\n"
                "└─ spare    never called           2    8 B\n"));
}

TEST(InspectModel, StopsAtTheDepthAsked) {
  const std::string text = inspect(example(), {1, InspectFormat::Text});
  EXPECT_THAT(text, HasSubstr("├─ h "));
  EXPECT_THAT(text, Not(HasSubstr("─ 0")));
  EXPECT_THAT(text, Not(HasSubstr("h.0.c")));
}

TEST(InspectModel, SaysWhatEntersWhatIsFreeAndWhereToCut) {
  const std::string text = inspect(example(), {});
  EXPECT_THAT(
      text,
      HasSubstr("  x  float32[n=4, 8]  dimension 0 free, from 2 to 64; "
                "dimension 1 fixed\n"));
  EXPECT_THAT(text, HasSubstr("  logits  float32[n=4, 8]\n"));
  EXPECT_THAT(text, HasSubstr("  a.weight = b.weight\n"));
  EXPECT_THAT(text, HasSubstr("  h, h.0, h.0.c, a:end  128 B  i\n"));
  EXPECT_THAT(text, HasSubstr("  h.0.c:end             256 B  i, j\n"));
}

TEST(InspectModel, GivesTheSameAsJson) {
  const auto json =
      nlohmann::json::parse(inspect(example(), {{}, InspectFormat::Json}));
  EXPECT_EQ(json["modules"]["parameters"], 130);
  EXPECT_EQ(json["modules"]["children"][1]["children"][0]["fqn"], "h.0");
  EXPECT_EQ(json["inputs"][0]["shape"][0]["expr"], "n");
  EXPECT_EQ(json["cuts"].size(), 3);
  EXPECT_EQ(json["cuts"][1]["at"][0], "h.0.c:end");
  EXPECT_EQ(json["cuts"][1]["bytes"], 256);
  EXPECT_EQ(json["tied"][0]["aliases"][0], "b.weight");
}

TEST(InspectModel, NamesSideInputsAndCutsInsideModules) {
  Model model;
  model.path = "net.pt2";
  model.graph = ir::parse_text(R"(
module a type(net.Block)
module b type(net.Block)
input %x: float32[4, 8]
input %m: float32[4, 8]
input %n: float32[4, 8]
%i: float32[4, 8] = aten.mul.Tensor(self=%x, other=%n) @ a
%j: float32[4, 8] = aten.tanh.default(self=%i) @ a
%y: float32[4, 8] = aten.mul.Tensor(self=%j, other=%m) @ b
output y = %y
)");
  const std::string text = inspect(model, {});
  EXPECT_THAT(
      text, HasSubstr("side inputs: needed after a cut\n  m  until b\n"));
  EXPECT_THAT(
      text,
      HasSubstr("  and 1 inside modules, which --stages may choose too; "
                "--format json lists them\n"));
  const auto json =
      nlohmann::json::parse(inspect(model, {{}, InspectFormat::Json}));
  EXPECT_EQ(json["side_inputs"].size(), 1);
  EXPECT_EQ(json["side_inputs"][0]["name"], "m");
  EXPECT_EQ(json["side_inputs"][0]["until"], "b");
  EXPECT_EQ(json["cuts"].size(), 2);
  EXPECT_TRUE(json["cuts"][0]["at"].empty());
  EXPECT_EQ(json["cuts"][0]["bytes"], 128);
}

TEST(InspectModel, DrawsAGraphForDot) {
  const std::string dot = inspect(example(), {1, InspectFormat::Dot});
  EXPECT_THAT(dot, testing::StartsWith("digraph model {\n"));
  EXPECT_THAT(dot, HasSubstr("\"a\" -> \"h\" [label=\"i 128 B\"];\n"));
  EXPECT_THAT(dot, HasSubstr("\"in:x\" -> \"a\""));
  EXPECT_THAT(dot, HasSubstr("\"b\" -> \"out:logits\""));
}

/// A model whose own nodes make all outputs but one, which is an input.
Model root_example() {
  Model model;
  model.path = "net.pt2";
  model.graph = ir::parse_text(R"(
module a type(torch.nn.Linear)
module b type(torch.nn.Linear)
input %x: float32[4, 8]
parameter a.weight = %w: float32[8, 8] grad
parameter b.weight = %v: float32[8, 8] grad
%h: float32[4, 8] grad = aten.linear.default(input=%x, weight=%w) @ a
%i: float32[4, 8] grad = aten.relu.default(self=%h)
%j: float32[4, 8] grad = aten.linear.default(input=%i, weight=%v) @ b
%y: float32[4, 8] grad = aten.add.Tensor(self=%j, other=%i)
output y = %y
output hidden = %i
output same = %x
)");
  return model;
}

TEST(InspectModel, DrawsTheEdgesOfTheRootAndEveryOutput) {
  const std::string dot = inspect(root_example(), {{}, InspectFormat::Dot});
  for (const char* edge :
       {"\"\" [shape=box, label=\".\"]",
        "\"a\" -> \"\" [label=\"h 128 B\"]",
        "\"\" -> \"b\" [label=\"i 128 B\"]",
        "\"b\" -> \"\" [label=\"j 128 B\"]",
        "\"\" -> \"out:y\" [label=\"y 128 B\"]",
        "\"\" -> \"out:hidden\" [label=\"i 128 B\"]",
        "\"in:x\" -> \"out:same\" [label=\"x 128 B\"]"}) {
    EXPECT_THAT(dot, HasSubstr(edge));
  }
}

TEST(InspectStages, ShowsEachStageAndOneLinePerValue) {
  const std::string text = inspect(example_stages(), {});
  EXPECT_THAT(text, HasSubstr("stage 0: stage_0.pt2"));
  EXPECT_THAT(
      text,
      HasSubstr("  data     -> stage 0  x       float32[n=4, 8]\n"
                "  stage 0  -> stage 1  i       float32[n=4, 8]  128 B\n"
                "  stage 1  -> stage 2  k       float32[n=4, 8]  128 B\n"
                "  stage 2  -> output   logits  float32[n=4, 8]  128 B\n"));
  EXPECT_THAT(
      text, HasSubstr("tied: a.weight, one parameter held by stages 0, 2\n"));
}

TEST(InspectStages, DrawsOneClusterPerStage) {
  const std::string dot = inspect(example_stages(), {{}, InspectFormat::Dot});
  EXPECT_THAT(dot, HasSubstr("subgraph \"cluster_2\""));
  EXPECT_THAT(dot, HasSubstr("\"0:a\" -> \"1:h.0"));
  EXPECT_THAT(dot, HasSubstr("\"in:x\" [shape=ellipse, label=\"x\"]"));
  EXPECT_THAT(dot, HasSubstr("\"2:b\" -> \"out:logits\""));
}

TEST(Summary, HasOneRowPerStage) {
  const std::string text = summary(example_stages().manifest);
  EXPECT_THAT(
      text,
      HasSubstr(
          "stage  parameters  bytes  FLOPs  bytes in  bytes out  modules\n"
          "    0          66  264 B    512       0 B      128 B  a\n"
          "    1          64  256 B    512     128 B      128 B  h\n"
          "    2          64  256 B    512     128 B        0 B  b\n"
          "tied: a.weight, one parameter held by stages 0, 2\n"));
}

}  // namespace
}  // namespace pp
