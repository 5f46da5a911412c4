#include "splitter/chain/assemble.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "loader/ir/text.h"
#include "tests/splitter/graphs.h"

namespace pp {
namespace {

using test::flow_of;
using test::states_of;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Model stage(const std::string& path, const std::string& text) {
  Model out;
  out.path = path;
  out.graph = ir::parse_text(text);
  for (const ir::State& state : out.graph.states) {
    out.records[state.fqn].record = "data/weights/" + state.fqn;
  }
  return out;
}

/// Chains stages named "0.pt2", "1.pt2" and so on.
Assembly chain(const std::vector<std::string>& texts) {
  std::vector<Model> stages;
  for (size_t i = 0; i < texts.size(); ++i) {
    stages.push_back(stage(std::to_string(i) + ".pt2", texts[i]));
  }
  return assemble(std::move(stages));
}

std::string chain_error(const std::vector<std::string>& texts) {
  try {
    chain(texts);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Input);
    return error.what();
  }
  return "";
}

/// A stage with one input and one output, whose names no other stage uses.
std::string plain(const std::string& input, const std::string& type) {
  return "input " + input + " = %" + input + ": " + type + "\n%" + input +
         "_out: " + type + " grad = my.op.default(self=%" + input +
         ")\noutput output_0 = %" + input + "_out\n";
}

constexpr const char* kNamed = R"(
range s0 = 2..64
input %x: float32[s0=4, 8]
%h: float32[s0=4, 8] grad = my.op.default(self=%x)
%s: float32[s0=4, 8] grad = my.op.default(self=%h)
%a: float32[] grad = my.loss.default(self=%h)
output aux = %a
output skip = %s
output hidden = %h
)";

// The symbol for the rows has another name than in the first stage.
constexpr const char* kMiddle = R"(
range s7 = 1..32
input hidden = %hidden: float32[s7=4, 8]
input mask = %mask: bool[s7=4, 8]
%x: float32[s7=4, 8] grad = my.op.default(self=%hidden, mask=%mask)
output output_0 = %x
)";

constexpr const char* kLast = R"(
range s0 = 2..128
input y = %y: float32[s0=4, 8]
input skip = %skip: float32[s0=4, 8]
input mask = %mask: bool[s0=4, 8]
%out: float32[s0=4, 8] grad = my.op.default(self=%y, other=%skip, mask=%mask)
output logits = %out
)";

TEST(Assemble, JoinsByNameElseByPosition) {
  const Assembly parts = chain({kNamed, kMiddle, kLast});
  const auto& stages = parts.manifest.stages;
  EXPECT_EQ(flow_of(stages[0]), "[x] -> h a s");
  EXPECT_EQ(flow_of(stages[1]), "h a s [mask] -> x_stage1 s a");
  EXPECT_EQ(flow_of(stages[2]), "x_stage1 s a [mask] -> out a");
}

TEST(Assemble, RelaysOutputsForLaterStagesAndForTheModel) {
  const Assembly parts = chain({kNamed, kMiddle, kLast});
  const auto& middle = parts.manifest.stages[1];
  EXPECT_TRUE(middle.outputs[1].relayed);
  EXPECT_FALSE(middle.outputs[1].only_for_output);
  EXPECT_TRUE(middle.outputs[2].only_for_output);
  EXPECT_THAT(
      middle.notes, Contains("relays 'skip' of stage 0: read by stage 2"));
  EXPECT_THAT(
      middle.notes,
      Contains("relays 'aux' of stage 0: it is an output of the model"));
  const auto& outputs = parts.manifest.outputs;
  ASSERT_EQ(outputs.size(), 2);
  EXPECT_EQ(outputs[0].name, "logits");
  EXPECT_EQ(outputs[1].name, "aux");
}

TEST(Assemble, SharesInputsWithTheSameName) {
  const Assembly parts = chain({kNamed, kMiddle, kLast});
  ASSERT_EQ(parts.manifest.inputs.size(), 2);
  EXPECT_EQ(parts.manifest.inputs[0].name, "x");
  EXPECT_EQ(parts.manifest.inputs[1].name, "mask");
  EXPECT_TRUE(parts.manifest.inputs[1].keyword);
}

TEST(Assemble, SizesThatMeetAreOneSymbolWithBothBounds) {
  const Assembly parts = chain({kNamed, kMiddle, kLast});
  EXPECT_EQ(parts.manifest.inputs[1].tensor.sizes[0].expr, "s0");
  EXPECT_EQ(parts.manifest.stages[1].inputs[0].tensor.sizes[0].expr, "s0");
  const ir::Range range = parts.stages[1].graph.ranges.at("s0");
  EXPECT_EQ(range.min, 1);
  EXPECT_EQ(range.max, 32);
}

TEST(Assemble, SymbolsThatDoNotMeetStayApart) {
  const Assembly parts = chain(
      {plain("x", "float32[s0=4, 8]") + "range s0 = 2..64\n",
       "range s0 = 2..8\ninput a = %a: float32[4, 8]\n"
       "input b = %b: float32[s0=5]\n"
       "%c: float32[s0=5] = my.op.default(self=%a, b=%b)\noutput c = %c\n"});
  const std::string other = parts.manifest.inputs[1].tensor.sizes[0].expr;
  EXPECT_NE(other, "s0");
  EXPECT_TRUE(parts.stages[1].graph.ranges.contains(other));
}

TEST(Assemble, ASymbolThatMeetsAFixedSizeHasThatSize) {
  const Assembly parts =
      chain({plain("x", "float32[s0=4, 8]"), plain("y", "float32[4, 8]")});
  EXPECT_TRUE(parts.manifest.inputs[0].tensor.sizes[0].is_fixed());
  EXPECT_EQ(parts.manifest.inputs[0].tensor.sizes[0].value, 4);
}

TEST(Assemble, TheSameFqnInTwoFilesIsTwoParameters) {
  const std::string text =
      "input %x: float32[4]\nparameter w = %w: float32[4] grad\n"
      "%y: float32[4] grad = my.op.default(self=%x, w=%w)\noutput y = %y\n";
  const Assembly parts = chain({text, text});
  EXPECT_THAT(states_of(parts.stages[0].graph), ElementsAre("stage_0.w"));
  EXPECT_THAT(states_of(parts.stages[1].graph), ElementsAre("stage_1.w"));
  EXPECT_EQ(parts.stages[1].records.at("stage_1.w").record, "data/weights/w");
  EXPECT_TRUE(parts.manifest.tied.empty());
}

TEST(Assemble, NamesOfValuesAreUniqueAcrossStages) {
  // They seed random operators: two dropouts must not draw the same mask.
  const Assembly parts =
      chain({plain("x", "float32[4]"), plain("x", "float32[4]")});
  EXPECT_EQ(test::nodes_of(parts.stages[0].graph).front(), "x_out");
  EXPECT_EQ(test::nodes_of(parts.stages[1].graph).front(), "x_out_stage1");
}

TEST(Assemble, AStageMayReturnItsInput) {
  const Assembly parts = chain(
      {plain("x", "float32[4]"),
       "input a = %a: float32[4]\n%b: float32[4] = my.op.default(self=%a)\n"
       "output a = %a\noutput b = %b\n",
       "input b = %b: float32[4]\ninput a = %a: float32[4]\n"
       "%c: float32[4] = my.op.default(self=%a, b=%b)\noutput c = %c\n"});
  EXPECT_EQ(flow_of(parts.manifest.stages[1]), "x_out -> b a");
  EXPECT_EQ(flow_of(parts.manifest.stages[2]), "b a -> c");
}

TEST(Assemble, GuardsOnTheModelsInputsAreTheModels) {
  const Assembly parts = chain(
      {plain("x", "float32[s0=4, 8]") + "range s0 = 2..64\n" +
           "guard \"L['x'].size()[0] % 2 == 0\"\n",
       plain("y", "float32[s0=4, 8]") + "range s0 = 2..64\n"});
  EXPECT_THAT(parts.manifest.guards, ElementsAre("L['x'].size()[0] % 2 == 0"));
  EXPECT_TRUE(parts.manifest.stages[0].guards.empty());
  // The bounds are those of an input of the model.
  EXPECT_TRUE(parts.manifest.stages[1].guards.empty());
}

TEST(Assemble, GuardsOnReceivedValuesAreTheStages) {
  const Assembly parts = chain(
      {plain("x", "float32[s0=4, \"2*s0\"=8]") + "range s0 = 2..64\n",
       "range s0 = 2..64\nrange s1 = 6..10\n"
       "guard \"L['y'].size()[1] % 4 == 0\"\n" +
           plain("y", "float32[s0=4, s1=8]")});
  EXPECT_TRUE(parts.manifest.guards.empty());
  EXPECT_THAT(
      parts.manifest.stages[1].guards,
      ElementsAre(
          "L['x_out'].size()[1] % 4 == 0",
          "L['x_out'].size()[1] <= 10",
          "L['x_out'].size()[1] >= 6"));
  EXPECT_TRUE(parts.stages[1].graph.guards.empty());
}

TEST(Assemble, ASizeThatFollowsFromOthersIsAGuard) {
  const Assembly parts = chain(
      {plain("x", "float32[s0=4, s1=8]") + "range s0 = 2..\nrange s1 = 2..\n",
       "range s0 = 2..\n" + plain("y", "float32[s0=4, \"2*s0\"=8]")});
  EXPECT_THAT(
      parts.manifest.stages[1].guards,
      ElementsAre("L['x_out'].size()[1] == 2*L['x_out'].size()[0]"));
}

TEST(Assemble, OneStageIsAPipelineOfOne) {
  const Assembly parts = chain({plain("x", "float32[4]")});
  EXPECT_EQ(flow_of(parts.manifest.stages[0]), "[x] -> x_out");
  EXPECT_EQ(parts.manifest.outputs[0].name, "output_0");
}

TEST(AssembleErrors, OutputsThatDoNotFitTheInput) {
  EXPECT_EQ(
      chain_error({plain("x", "float32[4, 8]"), plain("y", "float32[4, 9]")}),
      "1.pt2 expects 'y' as float32[4, 9], but 0.pt2 has 'output_0' as "
      "float32[4, 8]");
  EXPECT_THAT(
      chain_error({plain("x", "float32[4]"), plain("y", "float64[4]")}),
      HasSubstr("float64[4]"));
  EXPECT_THAT(
      chain_error({plain("x", "float32[4]"), plain("y", "float32[4, 1]")}),
      HasSubstr("float32[4, 1]"));
  EXPECT_THAT(
      chain_error(
          {plain("x", "float32[4]"),
           "input y = %y: int\n%z: float32[4] = my.op.default(self=%y)\n"
           "output z = %z\n"}),
      HasSubstr("'y' as int"));
}

TEST(AssembleErrors, OneSymbolCannotHaveTwoSizes) {
  EXPECT_THAT(
      chain_error(
          {plain("x", "float32[s0=4, s0=4]"), plain("y", "float32[4, 5]")}),
      HasSubstr("1.pt2 expects 'y' as float32[4, 5]"));
}

TEST(AssembleErrors, MoreOutputsThanInputsByPosition) {
  EXPECT_THAT(
      chain_error({kNamed, plain("y", "float32[4, 8]")}),
      HasSubstr("has 3 outputs, but 1.pt2 has 1 input,"));
}

TEST(AssembleErrors, AnInputWithTwoTypes) {
  EXPECT_THAT(
      chain_error(
          {kNamed,
           kMiddle,
           "input y = %y: float32[4, 8]\ninput mask = %mask: int64[4, 8]\n"
           "%o: float32[4, 8] = my.op.default(self=%y, m=%mask)\n"
           "output o = %o\n"}),
      HasSubstr("2.pt2 expects 'mask' as int64[4, 8]"));
}

}  // namespace
}  // namespace pp
