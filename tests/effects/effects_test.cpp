#include "loader/effects/effects.h"

#include <map>

#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "loader/effects/self_copies.h"
#include "loader/ir/text.h"

namespace pp {
namespace {

/// A few operators, by their schemas' names.
class TestSchemas : public OperatorSchemas {
 public:
  std::optional<OperatorSchema> try_find(
      const ir::OperatorParts& op) const override {
    const SchemaValue plain{.name = "self"};
    const SchemaValue view{.name = "self", .alias_sets = {"a"}};
    const SchemaValue written{
        .name = "self", .alias_sets = {"a"}, .written = true};
    const std::map<std::string, OperatorSchema> schemas = {
        {"aten::add.Tensor", {{plain, {.name = "other"}}, {{}}}},
        {"aten::add_.Tensor", {{written, {.name = "other"}}, {written}}},
        {"aten::view", {{view}, {{.alias_sets = {"a"}}}}},
        {"aten::dropout", {{{.name = "input"}}, {{}}, true}},
        {"aten::batch_norm",
         {{{.name = "input"},
           {.name = "running_mean"},
           {.name = "running_var"},
           {.name = "training"}},
          {{}}}},
    };
    const auto found = schemas.find(op.schema_name());
    return found == schemas.end() ? std::nullopt : std::optional(found->second);
  }
};

std::string annotated(const std::string& text) {
  ir::Graph graph = ir::parse_text(text);
  annotate_effects(graph, TestSchemas(), "test");
  return ir::to_text(graph);
}

const std::string kInputs =
    "input %x: float32[2]\n"
    "input %y: float32[2]\n";

TEST(Effects, SchemasDeclareWritesAndAliases) {
  EXPECT_EQ(
      annotated(kInputs + R"(
%a: float32[2] = aten.add.Tensor(self=%x, other=%y)
%b: float32[2] = aten.add_.Tensor(self=%x, other=%y)
%c: float32[2] = aten.view.default(%y)
)"),
      kInputs +
          R"(%a: float32[2] = aten.add.Tensor(self=%x, other=%y)
%b: float32[2] = aten.add_.Tensor(self=%x, other=%y) !writes(%x) !aliases(%b = %x)
%c: float32[2] = aten.view.default(%y) !aliases(%c = %y)
)");
}

TEST(Effects, DropoutIsRandomAndMayReturnItsInput) {
  EXPECT_EQ(
      annotated(kInputs + "%a: float32[2] = aten.dropout.default(input=%x)\n"),
      kInputs +
          "%a: float32[2] = aten.dropout.default(input=%x) !random "
          "!aliases(%a = %x)\n");
}

TEST(Effects, RunningStatisticsAreWrittenUnlessEvaluating) {
  const auto call = [](const std::string& training) {
    return "%a: float32[2] = aten.batch_norm.default(input=%x, "
           "running_mean=%y, training=" +
           training + ")";
  };
  EXPECT_EQ(
      annotated(kInputs + call("true")),
      kInputs + call("true") + " !writes(%y)\n");
  EXPECT_EQ(annotated(kInputs + call("false")), kInputs + call("false") + "\n");
}

TEST(Effects, LoopsHaveTheEffectsOfTheirBodies) {
  const std::string loop =
      R"(%z: float32[2] = prim::Loop(3, true, %x, graph "body" {
  input %i: int
  input %v: float32[2]
  %w: float32[2] = aten.add_.Tensor(self=%v, other=%v) !writes(%v) !aliases(%w = %v)
  output go = true
  output v = %w
}))";
  EXPECT_EQ(
      annotated(kInputs + loop),
      kInputs + loop + " !writes(%x) !aliases(%z = %x)\n");
}

TEST(Effects, ALoopWritesWhatALaterIterationCarries) {
  const std::string loop =
      R"(%a: float32[2], %b: float32[2] = prim::Loop(3, true, %x, %y, graph "body" {
  input %i: int
  input %v: float32[2]
  input %w: float32[2]
  %u: float32[2] = aten.add_.Tensor(self=%v, other=%v) !writes(%v) !aliases(%u = %v)
  output go = true
  output v = %w
  output w = %w
}))";
  EXPECT_NE(
      annotated(kInputs + loop).find("!writes(%x, %y)"), std::string::npos);
}

std::string error_in(const std::string& nodes) {
  try {
    annotated(kInputs + nodes);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Input);
    return error.what();
  }
  return "none";
}

TEST(Effects, ResultsThatAnOperatorDoesNotReturnAreRefused) {
  EXPECT_EQ(
      error_in("%a: float32[2], %b: float32[2] = aten.add.Tensor(%x, %y)\n"),
      "test: node 'a' calls 'aten.add.Tensor': it has 2 results, but the "
      "operator returns 1");
  EXPECT_EQ(
      error_in("[%a: float32[2], %b: float32[2]] = aten.add.Tensor(%x, %y)\n"),
      "test: node 'a' calls 'aten.add.Tensor': its result 0 is a list, but the "
      "operator returns a single value");
}

TEST(Effects, BuiltinsHaveTheirOperandsAndOneResult) {
  EXPECT_EQ(
      error_in("%a: int = _operator.add()\n"),
      "test: node 'a' calls '_operator.add': it has 0 operands, but needs 2");
  EXPECT_EQ(
      error_in("%a: int, %b: int = _operator.neg(1)\n"),
      "test: node 'a' calls '_operator.neg': it has 2 results; at most 1 is "
      "valid");
  EXPECT_EQ(error_in("%a: int = torch.sym_ite(true, 1, 2)\n"), "none");
}

/// A while_loop that carries x and y. `outputs` are those of its body.
std::string while_loop(const std::string& outputs) {
  return R"([%a: float32[2], %b: float32[2]] = higher_order.while_loop(graph "cond" {
  input %v: float32[2]
  input %w: float32[2]
  output go = true
}, graph "body" {
  input %v: float32[2]
  input %w: float32[2]
)" + outputs +
         "}, tensors[%x, %y], tensors[])\n";
}

TEST(Effects, BranchesAndLoopsPassWhatTheirGraphsReceive) {
  const std::string two = "  output v = %v\n  output w = %w\n";
  EXPECT_EQ(error_in(while_loop(two)), "none");
  EXPECT_EQ(
      error_in(while_loop(two + "  output u = %w\n")),
      "test: node 'a' calls 'higher_order.while_loop': one of its graphs has 3 "
      "outputs, but must have 2");
  EXPECT_EQ(
      error_in(R"(%z: float32[2] = prim::Loop(3, true, %x, graph "body" {
  input %i: int
  output go = true
  output v = 1
}))"),
      "test: node 'z' calls 'prim::Loop': one of its graphs has 1 input, but "
      "receives 2 values");
  EXPECT_EQ(
      error_in(R"(%z: float32[2] = prim::Loop(3, true, graph "body" {
  input %i: int
  output go = true
  output v = 1
}))"),
      "test: node 'z' calls 'prim::Loop': it has 1 result, but carries 0 "
      "values");
  EXPECT_EQ(
      error_in(R"(%z: float32[2] = prim::If(true, graph "yes" {
  output v = 1
}))"),
      "test: node 'z' calls 'prim::If': it has 1 graph, but needs 2");
}

TEST(Effects, UnknownOperatorsAreRefused) {
  const auto error_of = [](const std::string& target) {
    return error_in("%a: float32[2] = " + target + "(%x)\n");
  };
  EXPECT_EQ(
      error_of("my.op.default"),
      "test: node 'a' calls 'my::op', which is not registered in this "
      "LibTorch");
  EXPECT_EQ(
      error_of("my.op.out"),
      "test: node 'a' calls 'my::op.out', which is not registered in this "
      "LibTorch");
  EXPECT_EQ(
      error_of("higher_order.scan"),
      "test: node 'a' calls 'higher_order.scan', which is not registered in "
      "this LibTorch");
  // torch.func.vmap and associative_scan leave this call in an export.
  EXPECT_EQ(
      error_of("torch._functorch.predispatch.lazy_load_decompositions"),
      "test: node 'a' calls "
      "'torch::_functorch.predispatch.lazy_load_decompositions', which is not "
      "registered in this LibTorch; export again with "
      "ep.run_decompositions({}) before saving");
}

TEST(SelfCopies, AreDroppedAndNoOthers) {
  const std::string kept = kInputs + R"(
%a: float32[2] = aten.add_.Tensor(self=%x, other=%y) !writes(%x) !aliases(%a = %x)
%b: float32[2] = aten.add_.Tensor(self=%a, other=%y) !writes(%a) !aliases(%b = %a)
)";
  ir::Graph graph = ir::parse_text(kept + R"(
%c: float32[2] = aten.copy_.default(self=%x, src=%b) !writes(%x) !aliases(%c = %x)
%d: float32[2] = aten.copy_.default(self=%y, src=%c) !writes(%y) !aliases(%d = %y)
%e: float32[2] = aten.copy_.default(self=%a, src=%x) !writes(%a) !aliases(%e = %a)
output o = %c
output p = %e
)");
  drop_self_copies(graph);
  EXPECT_EQ(ir::to_text(graph), ir::to_text(ir::parse_text(kept + R"(
%d: float32[2] = aten.copy_.default(self=%y, src=%x) !writes(%y) !aliases(%d = %y)
output o = %x
output p = %x
)")));
}

}  // namespace
}  // namespace pp
