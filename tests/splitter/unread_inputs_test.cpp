#include "splitter/cut/unread_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/splitter/graphs.h"

namespace pp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> notes(const Partition& partition) {
  std::vector<const ir::Graph*> graphs;
  for (const ir::Graph& stage : partition.stages) {
    graphs.push_back(&stage);
  }
  return unread_input_notes(partition.manifest, graphs);
}

constexpr const char* kModel = R"(
module a type(Linear)
module b type(Linear)
input x = %x: float32[4, 8]
input twin = %twin: float32[4, 8]
input late = %late: float32[4, 8]
input passed = %passed: float32[4, 8]
input scale = %scale: int
%a: float32[4, 8] grad = my.op.default(self=%x) @ a
%b: float32[4, 8] grad = my.op.default(self=%a, other=%late) @ b
output output_0 = %b
output output_1 = %passed
)";

TEST(UnreadInputs, AreNamedHoweverTheModelIsCut) {
  for (const auto& at : {std::vector<std::string>{}, {"b"}}) {
    EXPECT_THAT(
        notes(test::split(kModel, at)),
        ElementsAre(HasSubstr("the model doesn't read its input 'twin'")));
  }
}

TEST(UnreadInputs, DoNotIncludeThoseOfAStageThatIsElsewhere) {
  const Partition partition = test::split(kModel, {"b"});
  EXPECT_THAT(
      unread_input_notes(
          partition.manifest, {&partition.stages.front(), nullptr}),
      ElementsAre(HasSubstr("'twin'")));
}

TEST(UnreadInputs, AreNoneWhereEachIsRead) {
  EXPECT_THAT(
      notes(test::split(
          R"(
module a type(Linear)
module b type(Linear)
input x = %x: float32[4, 8]
input y = %y: float32[4, 8]
%a: float32[4, 8] grad = my.op.default(self=%x) @ a
%n: int = aten.sym_size.int(self=%y, dim=0) @ b
%b: float32[4, 8] grad = my.op.default(self=%a, size=%n) @ b
output output_0 = %b
)",
          {"b"})),
      IsEmpty());
}

}  // namespace
}  // namespace pp
