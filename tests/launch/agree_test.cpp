#include "runtime/rank/agree.h"

#include <gtest/gtest.h>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "runtime/launch/launch.h"
#include "runtime/rank/failure.h"
#include "runtime/rank/from_rank.h"

namespace pp {
namespace {

/// The error of a job whose rank 0 publishes `text` as its plan.
std::string error_after(const std::string& text) {
  try {
    launch_local(2, {}, [&](RankContext& context) {
      if (context.rank == 0) {
        context.store->set("agree/plan", text);
      } else {
        agree(context, "plan", {{"train.steps", "4"}});
      }
    });
    return "";
  } catch (const JobFailed& failure) {
    EXPECT_EQ(failure.kind(), ErrorKind::Runtime);
    return failure.cause().message;
  }
}

TEST(Agree, AnythingButAPlanIsOneClearLine) {
  for (const std::string text : {"", "3", "[1]", "{\"a\": 1}", "\xff{"}) {
    EXPECT_EQ(
        error_after(text),
        "rank 0 sent an unexpected message instead of its plan; does every "
        "rank "
        "run the same version of pp?")
        << text;
  }
  EXPECT_EQ(error_after("{\"train.steps\": \"4\"}"), "");
}

TEST(Agree, APathMayHoldAnyBytes) {
  launch_local(2, {}, [](RankContext& context) {
    agree(context, "plan", {{"data.path", "rows_\xff.npy"}});
  });
}

TEST(NumberFromRank, IsReadOrRefused) {
  EXPECT_EQ(number_from_rank("3", 1, "its leader", 0, 3), 3);
  for (const std::string text : {"", "x", "4", "-1", "1.5x", "[3]"}) {
    EXPECT_THROW(number_from_rank(text, 1, "its leader", 0, 3), Error) << text;
  }
}

}  // namespace
}  // namespace pp
