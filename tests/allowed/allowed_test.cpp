#include <gtest/gtest.h>

#include "loader/allowed/allowed_operators.h"
#include "loader/core/error.h"
#include "loader/ir/text.h"

namespace pp {
namespace {

std::string message_of(
    const std::string& text, const AllowedOperators& allowed = {}) {
  try {
    check_operators(ir::parse_text(text), allowed, "m.pt2");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

constexpr const char* kReadsFile =
    R"(%y: float32[2] = aten.from_file.default(filename="/etc/passwd", shared=false, size=2) !name(read)
output y = %y
)";

constexpr const char* kReadsFileInABranch = R"(input %c: bool[]
%y: float32[2] = higher_order.cond(%c, graph "yes" {
  %z: float32[2] = aten.from_file.default(filename="/etc/passwd", shared=false, size=2) !name(read)
  output z = %z
}, graph "no" {
  %z: float32[2] = aten.ones.default(size=ints[2])
  output z = %z
})
output y = %y
)";

TEST(AllowedOperators, ComputeInNewMemoryOrInPlace) {
  const AllowedOperators allowed;
  EXPECT_TRUE(allowed.contains("aten::add"));
  EXPECT_TRUE(allowed.contains("aten::add_"));
  EXPECT_TRUE(allowed.contains("aten::__and__"));
  EXPECT_TRUE(allowed.contains("prim::min"));
}

TEST(AllowedOperators, RefuseWhatDoesMore) {
  const AllowedOperators allowed;
  for (const char* name :
       {"aten::from_file",
        "aten::save",
        "aten::set_",
        "aten::_reshape_alias",
        "aten::_sparse_coo_tensor_unsafe",
        "aten::record_stream",
        "aten::_foreach_add_",
        "aten::manual_seed",
        "aten::resize_",
        "aten::max_pool2d_with_indices_backward",
        "prim::Print",
        "prim::rpc_sync"}) {
    EXPECT_FALSE(allowed.contains(name)) << name;
  }
}

TEST(AllowedOperators, RefuseWhatNobodyHasReviewed) {
  EXPECT_FALSE(AllowedOperators().contains("aten::brand_new"));
  EXPECT_FALSE(AllowedOperators().contains("mine::add"));
  EXPECT_FALSE(AllowedOperators().contains("add"));
  EXPECT_EQ(
      AllowedOperators().refusal("mine::add"),
      "is not allowed: nobody has reviewed what it does; if you trust the "
      "file, allow it with --allow-operator mine::add");
}

TEST(AllowedOperators, UserLetsOneIn) {
  const AllowedOperators allowed({"aten::from_file"});
  EXPECT_TRUE(allowed.contains("aten::from_file"));
  EXPECT_FALSE(allowed.contains("aten::save"));
  EXPECT_TRUE(allowed.is_allowed_by_user("aten::from_file"));
  EXPECT_FALSE(AllowedOperators({"aten::add"}).is_allowed_by_user("aten::add"));
}

TEST(AllowedOperators, NamesHaveANamespaceAndNoOverload) {
  for (const char* name :
       {"from_file", "aten::from_file.out", "::from_file", "aten::"}) {
    EXPECT_THROW(AllowedOperators({name}), Error) << name;
  }
}

TEST(CheckOperators, NamesNodeOperatorAndReason) {
  EXPECT_EQ(
      message_of(kReadsFile),
      "m.pt2: node 'read' calls 'aten::from_file', which is not allowed: it "
      "reads "
      "or writes files, or prints; if you trust the file, allow it with "
      "--allow-operator aten::from_file");
}

TEST(CheckOperators, LooksIntoSubGraphs) {
  EXPECT_EQ(message_of(kReadsFileInABranch), message_of(kReadsFile));
}

TEST(CheckOperators, ReturnsWhatTheUserLetIn) {
  EXPECT_EQ(
      check_operators(
          ir::parse_text(kReadsFile),
          AllowedOperators({"aten::from_file", "aten::save"}),
          "m.pt2"),
      std::set<std::string>{"aten::from_file"});
}

}  // namespace
}  // namespace pp
