#include "runtime/program/mode.h"

#include <gtest/gtest.h>

#include "loader/ir/walk.h"
#include "tests/program/graphs.h"

namespace pp {
namespace {

ir::Graph network(const std::string& train, const std::string& p) {
  return testing::graph_of(
      "input %x: float32[2, 4, 8, 16]\n"
      "buffer bn.num_batches_tracked = %n: int64[]\n"
      "buffer bn.mean = %m: float32[4]\n"
      "buffer bn.var = %s: float32[4]\n"
      "%c: int64[] = aten.add_.Tensor(self=%n, other=1)\n"
      "%b: float32[2, 4, 8, 16] = aten.batch_norm.default(input=%x, "
      "weight=none, bias=none, running_mean=%m, running_var=%s, training=" +
      train +
      ", momentum=0.1, eps=1e-05, cudnn_enabled=true)\n"
      "%d: float32[2, 4, 8, 16] = aten.dropout.default(input=%b, p=0.1, "
      "train=" +
      train +
      ")\n"
      "%y: float32[2, 4, 8, 16] = "
      "aten.scaled_dot_product_attention.default(query=%d, key=%d, value=%d, "
      "dropout_p=" +
      p + ")\noutput y = %y\n");
}

std::string text_in_mode(ir::Graph graph, Mode mode) {
  set_mode(graph, mode);
  return ir::to_text(graph);
}

TEST(Mode, ExportedChangesNothing) {
  const ir::Graph graph = network("true", "0.1");
  EXPECT_EQ(text_in_mode(graph, Mode::Exported), ir::to_text(graph));
}

TEST(Mode, EvalTurnsEverythingOffAndDropsTheCounter) {
  const std::string text = text_in_mode(network("true", "0.1"), Mode::Eval);
  EXPECT_EQ(text.find("train=true"), std::string::npos) << text;
  EXPECT_EQ(text.find("training=true"), std::string::npos) << text;
  EXPECT_EQ(text.find("dropout_p=0.1"), std::string::npos) << text;
  EXPECT_EQ(text.find("aten.add_"), std::string::npos) << text;
}

/// A graph with batch-norm in a branch, whose counter the branch reads.
ir::Graph branch(const std::string& training) {
  const std::string block =
      "{\n"
      "  input %x: float32[2, 4]\n"
      "  input %m: float32[4]\n"
      "  input %s: float32[4]\n"
      "  input %n: int64[]\n"
      "  %c: int64[] = aten.add_.Tensor(self=%n, other=1)\n"
      "  %b: float32[2, 4] = aten.batch_norm.default(input=%x, weight=none, "
      "bias=none, running_mean=%m, running_var=%s, training=" +
      training +
      ", momentum=0.1, eps=1e-05, cudnn_enabled=true)\n"
      "  %d: float32[2, 4] = aten.dropout.default(input=%b, p=0.1, train=" +
      training +
      ")\n"
      "  output result = %d\n"
      "}";
  return testing::graph_of(
      "input %x: float32[2, 4]\n"
      "input %p: bool[]\n"
      "buffer bn.mean = %m: float32[4]\n"
      "buffer bn.var = %s: float32[4]\n"
      "buffer bn.num_batches_tracked = %n: int64[]\n"
      "%y: float32[2, 4] = higher_order.cond(%p, graph \"yes\" " +
      block + ", graph \"no\" " + block +
      ", tensors[%x, %m, %s, %n])\noutput y = %y\n");
}

TEST(Mode, ReachesIntoBranches) {
  const std::string eval = text_in_mode(branch("true"), Mode::Eval);
  EXPECT_EQ(eval.find("train=true"), std::string::npos) << eval;
  EXPECT_EQ(eval.find("training=true"), std::string::npos) << eval;
  EXPECT_EQ(eval.find("aten.add_"), std::string::npos) << eval;

  ir::Graph graph = branch("false");
  const std::vector<std::string> lost = set_mode(graph, Mode::Train);
  const std::string train = ir::to_text(graph);
  EXPECT_EQ(train.find("train=false"), std::string::npos) << train;
  EXPECT_EQ(train.find("training=false"), std::string::npos) << train;
  ASSERT_EQ(lost.size(), 1);
  EXPECT_NE(lost[0].find("2 batch-norms"), std::string::npos) << lost[0];
}

TEST(Mode, LeavesTheOriginalOfACopyUnchanged) {
  const ir::Graph graph = branch("true");
  const std::string before = ir::to_text(graph);
  text_in_mode(graph, Mode::Eval);  // changes a copy that shares its blocks
  EXPECT_EQ(ir::to_text(graph), before);
}

TEST(Mode, EvalKeepsTheCounterOfAFunctionalGraph) {
  const ir::Graph graph = testing::graph_of(
      "input %x: float32[2]\n"
      "buffer bn.num_batches_tracked = %n: int64[]\n"
      "%c: int64[] = aten.add.Tensor(self=%n, other=1)\n"
      "output y = %x\n"
      "mutate bn.num_batches_tracked = %c\n");
  EXPECT_NE(
      text_in_mode(graph, Mode::Eval)
          .find("mutate bn.num_batches_tracked = %n"),
      std::string::npos)
      << text_in_mode(graph, Mode::Eval);
  EXPECT_EQ(text_in_mode(graph, Mode::Train), ir::to_text(graph));
}

TEST(Mode, TrainTurnsEverythingOnAndSaysWhatIsLost) {
  ir::Graph graph = network("false", "0.0");
  const std::vector<std::string> lost = set_mode(graph, Mode::Train);
  const std::string text = ir::to_text(graph);
  EXPECT_EQ(text.find("train=false"), std::string::npos) << text;
  EXPECT_EQ(text.find("training=false"), std::string::npos) << text;
  ASSERT_EQ(lost.size(), 2);
  EXPECT_NE(lost[0].find("1 attention operator"), std::string::npos);
  EXPECT_NE(lost[1].find("num_batches_tracked"), std::string::npos);
}

}  // namespace
}  // namespace pp
