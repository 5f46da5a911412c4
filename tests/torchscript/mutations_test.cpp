#include "loader/torchscript/mutations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "loader/ir/text.h"
#include "loader/operators/schemas.h"

namespace pp::ts {
namespace {

using ::testing::HasSubstr;

constexpr const char* kStates =
    "input %x: float32[6]\n"
    "parameter w = %w: float32[6]\n"
    "buffer a = %a: float32[6]\n"
    "buffer b = %b: float32[6]\n";

/// The graph of these nodes, with its mutations parted.
ir::Graph parted(const std::string& nodes) {
  ir::Graph graph = ir::parse_text(kStates + nodes);
  annotate_effects(graph, "test");
  part_mutations(graph, "test");
  return graph;
}

std::vector<std::string> targets_of(const ir::Graph& graph) {
  std::vector<std::string> out;
  for (const ir::Node& node : graph.nodes) {
    out.push_back(node.target);
  }
  return out;
}

std::string refusal_of(const std::string& nodes) {
  try {
    parted(nodes);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Mutations, StayIfTheValueHasItsOwnMemory) {
  const ir::Graph graph = parted(
      "%y: float32[6] = aten.add.Tensor(%a, %x)\n"
      "output y = %y\n"
      "mutate a = %y\n");
  EXPECT_THAT(targets_of(graph), ::testing::ElementsAre("aten.add.Tensor"));
}

TEST(Mutations, AreCopiedAfterTheLastWrite) {
  const ir::Graph graph = parted(
      "%y: float32[6] = aten.add.Tensor(%a, %x)\n"
      "%z: float32[6] = aten.mul_.Tensor(%y, 0.5)\n"
      "%u: float32[6] = aten.neg.default(%x)\n"
      "output u = %u\n"
      "mutate a = %y\n");
  EXPECT_THAT(
      targets_of(graph),
      ::testing::ElementsAre(
          "aten.add.Tensor",
          "aten.mul_.Tensor",
          "aten.clone.default",
          "aten.neg.default"));
}

TEST(Mutations, AreCopiedIfTheValueIsAViewOfTheInput) {
  const ir::Graph graph = parted(
      "%y: float32[6] = aten.alias.default(%x)\n"
      "output y = %y\n"
      "mutate a = %y\n");
  EXPECT_THAT(
      targets_of(graph),
      ::testing::ElementsAre("aten.alias.default", "aten.clone.default"));
}

TEST(Mutations, MayExchangeBuffers) {
  const ir::Graph graph = parted(
      "%y: float32[6] = aten.add.Tensor(%a, %x)\n"
      "output y = %y\n"
      "mutate a = %b\n"
      "mutate b = %a\n");
  // Each is copied after its last read.
  EXPECT_THAT(
      targets_of(graph),
      ::testing::ElementsAre(
          "aten.clone.default", "aten.add.Tensor", "aten.clone.default"));
}

TEST(Mutations, AreRefusedIfAParameterSharesTheirMemory) {
  EXPECT_THAT(
      refusal_of("%y: float32[6] = aten.detach.default(%w)\n"
                 "output y = %x\n"
                 "mutate a = %y\n"),
      HasSubstr(
          "test: the model assigns to buffer 'a' a tensor that may share "
          "memory with 'w', which changes later; assign a copy (clone())"));
}

TEST(Mutations, AreRefusedIfABufferThatIsWrittenSharesTheirMemory) {
  EXPECT_THAT(
      refusal_of("%y: float32[6] = aten.add_.Tensor(%b, %x)\n"
                 "output y = %x\n"
                 "mutate a = %y\n"),
      HasSubstr("buffer 'a' a tensor that may share memory with 'b'"));
}

TEST(Mutations, AreRefusedIfTwoBuffersHoldOneTensorThatIsWritten) {
  EXPECT_THAT(
      refusal_of("%z: float32[6] = aten.add_.Tensor(%b, %x)\n"
                 "%y: float32[6] = aten.add.Tensor(%z, %x)\n"
                 "output y = %x\n"
                 "mutate a = %y\n"
                 "mutate b = %y\n"),
      HasSubstr("buffer 'b' a tensor that may share memory with 'a'"));
}

TEST(Mutations, NeedTheBuffersSizes) {
  const ir::Graph graph = parted(
      "%y: float32[] = aten.sum.default(%x)\n"
      "output y = %y\n"
      "mutate a = %y\n");
  try {
    check_mutations(graph, "test");
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_STREQ(
        error.what(),
        "test: the model assigns a new tensor to buffer 'a', but the tensor "
        "has other sizes");
  }
}

}  // namespace
}  // namespace pp::ts
