#include "loader/core/text.h"

#include <gtest/gtest.h>

namespace pp {
namespace {

TEST(VisibleText, KeepsTextsNewlinesAndTabs) {
  EXPECT_EQ(visible_text("blöcke\t日本\n"), "blöcke\t日本\n");
}

TEST(VisibleText, ShowsWhatATerminalWouldObey) {
  EXPECT_EQ(visible_text("\x1b[2Jx"), "\\x1b[2Jx");
  EXPECT_EQ(visible_text("a\rb\x7f\b"), "a\\x0db\\x7f\\x08");
  EXPECT_EQ(visible_text(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(VisibleText, ShowsControlsOfTwoBytes) {
  EXPECT_EQ(
      visible_text("\xc2\x9b"
                   "31m"),
      "\\x9b31m");
  EXPECT_EQ(visible_text("\xc2"), "\xc2");
  EXPECT_EQ(visible_text("\xc2\xa9"), "\xc2\xa9");  // ©
}

}  // namespace
}  // namespace pp
