#include "loader/ir/text.h"

#include <cmath>

#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "loader/ir/lint.h"
#include "loader/ir/walk.h"

namespace pp::ir {
namespace {

// Everything that the text form can express, as to_text() prints it.
constexpr const char* kWhole = R"(range s0 = 2..4096
range s1 = ..
module "" key(L__self__) type(demo.Model)
module layers.0 key(L__self__layers.0) type("torch.nn.Stack[int, str]")
input %x: float32[s0=2, 16]
input attention_mask = %mask: bool[s0=2, 1] keyword
input %rows: int(s0=2) keyword
parameter embed.weight = %p_w: float32[16, 16] grad alias(head.weight, tail.w)
buffer norm.mean = %b_mean: float64[] transient
constant c = %c: bfloat16[4, 2] strides(1, 4) offset(3) device(cuda:1)
%t: float32[16, 16] strides(1, 16) grad = aten.t.default(self=%p_w) @ /
%n: int(s0=2) = aten.sym_size.int(self=%x, dim=0)
%m: int("2*s0"=4) = _operator.mul(%n, 2)
%y: float32[s0=2, 16] = aten.linear.default(input=%x, weight=%t, bias=none) @ layers.0 / layers.0.up
[%a: float32[s0=2, 8] strides(16, 1), _] = aten.split.Tensor(self=%y, split_size=8, *, dim=-1) @ layers.0{"k@1", "T"} !nograd !autocast(cpu, bfloat16, true, false) !aliases(%a = %y) !name(split)
%v: float32[s0=2], %i: int64[s0=2] = aten.max.dim(self=%a, dim=1) @ ~ / layers.0
aten.add_.Tensor(self=%b_mean, other=1.0) !writes(%b_mean)
%k: float32[2, 3, s0=2] strides(1, "2*s0"=4, 2) = aten.rand.default(size=ints[2, 3, %n], *, dtype=float32, layout=layout(strided), device=device(cpu), memory_format=memory_format(channels_last)) !random
%z: list[tensor] = demo.odd.default(-1, 0.5, -inf, nan, 1e-05, "a \"b\"\n", complex(1.0, -2.5), true, bool, op("aten.add"), floats[], bools[true], strings["s"], lists[ints[1], ints[]], optional_tensors[none, %a], tensors[%a, %v])
%r: float32[s0=2] = higher_order.cond(%i, graph "yes" {
  module inner key(k) type(t)
  input %x: float32[s0=2]
  %s: float32[s0=2] = aten.sin.default(self=%x) @ inner
  output result = %s
}, graph "no" {
  input %x: float32[s0=2]
  output result = %x
}, tensors[%v])
output logits = %r
output "odd name" = 3
output none = none
mutate norm.mean = %v
)";

TEST(Text, PrintsWhatItParses) {
  EXPECT_EQ(to_text(parse_text(kWhole)), kWhole);
}

TEST(Text, ParsesEveryField) {
  const Graph graph = parse_text(kWhole);
  EXPECT_NO_THROW(lint(graph, "whole"));

  EXPECT_EQ(graph.ranges.at("s0").min, 2);
  EXPECT_EQ(graph.ranges.at("s0").max, 4096);
  EXPECT_FALSE(graph.ranges.at("s1").min || graph.ranges.at("s1").max);

  ASSERT_EQ(graph.inputs.size(), 3U);
  EXPECT_EQ(graph.inputs[0].name, "x");
  EXPECT_FALSE(graph.inputs[0].keyword);
  EXPECT_EQ(graph.inputs[1].name, "attention_mask");
  EXPECT_TRUE(graph.inputs[1].keyword);

  const State& tied = graph.states.at(0);
  EXPECT_EQ(tied.kind, StateKind::Parameter);
  EXPECT_EQ(tied.aliases, (std::vector<std::string>{"head.weight", "tail.w"}));
  EXPECT_FALSE(graph.states.at(1).persistent);
  const TensorMeta& constant =
      *graph.values.at(static_cast<size_t>(graph.states.at(2).value)).tensor;
  EXPECT_EQ(constant.dtype, ScalarType::BFloat16);
  EXPECT_EQ(constant.strides, (std::vector<Dim>{{1, ""}, {4, ""}}));
  EXPECT_EQ(constant.storage_offset, (Dim{3, ""}));
  EXPECT_EQ(constant.device, (Device{"cuda", 1}));

  const Node& split = graph.nodes.at(4);
  EXPECT_EQ(split.name, "split");
  EXPECT_TRUE(split.outputs.at(0).is_list);
  EXPECT_EQ(split.outputs.at(0).ids.at(1), kNoValue);
  EXPECT_FALSE(split.grad_enabled);
  EXPECT_EQ(
      split.autocast, (Autocast{"cpu", ScalarType::BFloat16, true, false}));
  EXPECT_FALSE(split.inputs.at(1).keyword);
  EXPECT_TRUE(split.inputs.at(2).keyword);
  EXPECT_EQ(split.modules.at(0).type, "demo.Model");
  EXPECT_EQ(split.modules.at(1).key, "k@1");
  EXPECT_EQ(split.effects.aliases.size(), 1U);
  EXPECT_EQ(graph.nodes.at(5).modules.size(), 1U);
  EXPECT_TRUE(graph.nodes.at(7).effects.random);
}

TEST(Text, StridesLeftOutAreContiguous) {
  const Graph graph = parse_text("input %x: float32[2, s0=3, 5, 1]");
  const std::vector<Dim> expected{{15, "5*s0"}, {5, ""}, {1, ""}, {1, ""}};
  EXPECT_EQ(graph.values.at(0).tensor->strides, expected);
}

TEST(Text, NumbersKeepTheirBitsAndKind) {
  const Graph graph = parse_text("demo.f.default(0.1, 1.0, -0.0, 7, nan)");
  const auto& inputs = graph.nodes.at(0).inputs;
  EXPECT_EQ(std::get<double>(inputs.at(0).arg.value), 0.1);
  EXPECT_EQ(std::get<double>(inputs.at(1).arg.value), 1.0);
  EXPECT_TRUE(std::signbit(std::get<double>(inputs.at(2).arg.value)));
  EXPECT_EQ(std::get<int64_t>(inputs.at(3).arg.value), 7);
  EXPECT_TRUE(std::isnan(std::get<double>(inputs.at(4).arg.value)));
}

TEST(Text, CommentsAndLineBreaksCountForNothing) {
  const Graph graph = parse_text(
      "# a comment\n"
      "input %x: float32[2]  # another\n"
      "%y: float32[2] = aten.add.Tensor(\n"
      "    self=%x,\n"
      "    other=1)\n");
  EXPECT_EQ(graph.nodes.size(), 1U);
}

// --- errors ---------------------------------------------------------------

struct Bad {
  const char* name;
  const char* text;
  const char* message;
};

class TextErrors : public testing::TestWithParam<Bad> {};

TEST_P(TextErrors, NameLineAndColumn) {
  try {
    parse_text(GetParam().text);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Input);
    EXPECT_STREQ(error.what(), GetParam().message);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All,
    TextErrors,
    testing::Values(
        Bad{"UnknownValue",
            "input %x: int\noutput y = %z",
            "graph text, line 2, column 12: no value '%z' is defined before "
            "this"},
        Bad{"SecondDefinition",
            "input %x: int\ninput %x: int",
            "graph text, line 2, column 7: '%x' is defined twice"},
        Bad{"UnknownType",
            "input %x: quaternion",
            "graph text, line 1, column 11: unknown type 'quaternion'"},
        Bad{"BadSize",
            "input %x: float32[two]",
            "graph text, line 1, column 19: expected an integer, found 'two'"},
        Bad{"MissingParenthesis",
            "%y: int = f(1",
            "graph text, line 1, column 14: expected ')'"},
        Bad{"UnknownFlag",
            "f(1) !loud",
            "graph text, line 1, column 7: unknown flag '!loud'"},
        Bad{"OpenQuote",
            "output \"y = 1",
            "graph text, line 1, column 8: a quoted string has no closing "
            "quote"},
        Bad{"UnknownLayout",
            "f(layout(round))",
            "graph text, line 1, column 9: unknown word 'round'"},
        Bad{"StrayBrace",
            "}",
            "graph text, line 1, column 1: expected a statement"},
        Bad{"NoOffset",
            "input %x: float32[2] offset()",
            "graph text, line 1, column 28: expected one number in "
            "parentheses"},
        Bad{"BadRange",
            "range s = 4",
            "graph text, line 1, column 11: expected MIN..MAX"}),
    [](const auto& test) { return std::string(test.param.name); });

std::string repeated(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) {
    out += text;
  }
  return out;
}

TEST(Text, DeepNestingIsRefused) {
  for (const std::string& text :
       {"f(" + repeated("lists[", 100000),
        repeated("f(graph \"g\" {\n", 100000)}) {
    try {
      parse_text(text);
      FAIL() << "it was parsed";
    } catch (const Error& error) {
      EXPECT_NE(
          std::string(error.what()).find("nested deeper than 100"),
          std::string::npos)
          << error.what();
    }
  }
}

}  // namespace
}  // namespace pp::ir
