#include "loader/ir/operator_parts.h"

#include <gtest/gtest.h>

namespace pp::ir {
namespace {

TEST(OperatorParts, TargetsAndSchemaNamesAreTakenApart) {
  struct Case {
    const char* target;
    const char* library;
    const char* name;
    const char* overload;
  };
  for (const Case& each :
       {Case{"aten.add.Tensor", "aten", "add", "Tensor"},
        Case{"aten.relu.default", "aten", "relu", "default"},
        Case{"aten::add.Tensor", "aten", "add", "Tensor"},
        Case{"aten::relu", "aten", "relu", ""},
        Case{"prim::If", "prim", "If", ""},
        Case{"_operator.mul", "_operator", "mul", ""},
        Case{"getitem", "", "getitem", ""}}) {
    const OperatorParts parts = operator_parts(each.target);
    EXPECT_EQ(parts.library, each.library) << each.target;
    EXPECT_EQ(parts.name, each.name) << each.target;
    EXPECT_EQ(parts.overload, each.overload) << each.target;
  }
}

TEST(OperatorParts, TheDefaultOverloadHasNoNameInSchemas) {
  EXPECT_EQ(operator_parts("aten.relu.default").schema_name(), "aten::relu");
  EXPECT_EQ(operator_parts("aten.add.out").schema_name(), "aten::add.out");
  EXPECT_EQ(operator_parts("aten.relu.default").registered_overload(), "");
}

}  // namespace
}  // namespace pp::ir
