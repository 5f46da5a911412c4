#include "loader/core/error.h"

#include <gtest/gtest.h>

#include "loader/core/first_line.h"

namespace pp {
namespace {

std::string message_of(const char* file) {
  try {
    check(false, "two is three", file, 7);
  } catch (const std::logic_error& error) {
    return error.what();
  }
  return "";
}

TEST(Check, NamesTheSourceWithoutTheFoldersItWasBuiltIn) {
  const std::string expected =
      "bug in pp: assertion failed: two is three (runtime/plan/plan.cpp:7)";
  for (const char* file :
       {"/home/me/pp/runtime/plan/plan.cpp",
        "/home/loader/pp/runtime/plan/plan.cpp",
        "../runtime/plan/plan.cpp",
        "runtime/plan/plan.cpp"}) {
    EXPECT_EQ(message_of(file), expected);
  }
}

TEST(Check, NamesItsCaller) {
  try {
    check(false, "two is three");
    FAIL() << "it holds";
  } catch (const std::logic_error& error) {
    EXPECT_TRUE(std::string_view(error.what())
                    .starts_with("bug in pp: assertion failed: two is three "
                                 "(tests/core/error_test.cpp:"))
        << error.what();
  }
}

TEST(FirstLine, NamesLibTorchsSourcesWithoutTheFolderTheyWereBuiltIn) {
  EXPECT_EQ(
      first_line("x INTERNAL ASSERT FAILED at "
                 "\"/home/c/pytorch/aten/src/ATen/a.cpp\":7, please report a "
                 "bug\nframe #0"),
      "x INTERNAL ASSERT FAILED at \"aten/src/ATen/a.cpp\":7, please report a "
      "bug");
  EXPECT_EQ(
      first_line("a file /c10/x is \"missing\"\n"),
      "a file /c10/x is \"missing\"");
}

}  // namespace
}  // namespace pp
