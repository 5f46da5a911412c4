#include "runtime/checkpoint/inventory.h"

#include <gtest/gtest.h>

#include "loader/core/error.h"

namespace pp {
namespace {

template <typename Call>
std::string error_of(Call call) {
  try {
    call();
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Runtime);
    return error.what();
  }
}

// Another version of pp, or something that isn't pp, may answer as a rank.

TEST(Inventory, AListOfCheckpointsThatIsSomethingElseIsOneClearLine) {
  for (const std::string text : {"", "7", "{}", "[[1]]", "[3]", "\xff"}) {
    EXPECT_EQ(
        error_of([&] {
          candidates_of({"[]", text});
        }),
        "rank 1 sent an unexpected message instead of its list of checkpoints; "
        "does every rank run the same version of pp?")
        << text;
    EXPECT_NE(error_of([&] { parse_listed(text, 0); }), "") << text;
  }
  EXPECT_EQ(error_of([] { candidates_of({"[]", "[]"}); }), "");
}

TEST(Inventory, ContentsOfACheckpointThatAreSomethingElseAreOneClearLine) {
  for (const std::string text : {"", "7", "{}", "{\"state\": 1}", "\xff"}) {
    EXPECT_EQ(
        error_of([&] {
          combine({kNoContents, text}, "step_2");
        }),
        "rank 1 sent an unexpected message instead of the contents of its "
        "checkpoint folder; does every rank run the same version of pp?")
        << text;
  }
  EXPECT_EQ(error_of([] { combine({kNoContents, kNoContents}, "s"); }), "");
}

}  // namespace
}  // namespace pp
