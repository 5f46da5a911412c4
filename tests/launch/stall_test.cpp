#include "runtime/launch/stall.h"

#include <limits>

#include <gtest/gtest.h>

namespace pp {
namespace {

ActivityState in(int stage, int microbatch, const std::string& kind) {
  ActivityState activity;
  activity.stage = stage;
  activity.microbatch = microbatch;
  activity.kind = kind;
  activity.seconds = 2;
  return activity;
}

ActivityState waits(ActivityState activity, int peer, bool sends = false) {
  activity.peer = peer;
  activity.sends = sends;
  return activity;
}

Cause waited(int rank) {
  Cause cause;
  cause.rank = rank;
  cause.host = "a";
  cause.message = "waited 2 s for a message from rank 1";
  return cause;
}

TEST(AwaitedText, FollowsFromTheAction) {
  EXPECT_EQ(
      awaited_text(waits(in(2, 3, "F"), 1)),
      "a message from rank 1: the activation of microbatch 3 of stage 1");
  EXPECT_EQ(
      awaited_text(waits(in(2, 3, "I"), 3)),
      "a message from rank 3: the gradient of microbatch 3 of stage 3");
  EXPECT_EQ(
      awaited_text(waits(in(2, 0, "WAIT_SEND_F"), 3, true)),
      "rank 3 to receive a message: the activation of microbatch 0 of stage 2");
  EXPECT_EQ(
      awaited_text(waits(in(2, 0, "WAIT_SEND_B"), 1, true)),
      "rank 1 to receive a message: the gradient of microbatch 0 of stage 2");
  EXPECT_EQ(awaited_text(waits({}, 0)), "a message from rank 0");
}

TEST(ActivityText, IsReadBack) {
  const ActivityState activity = waits(in(1, 4, "WAIT_SEND_B"), 2, true);
  const ActivityState back = activity_from_json(to_json(activity));
  EXPECT_EQ(action_text(back), "1WAIT_SEND_B4");
  EXPECT_EQ(back.peer, 2);
  EXPECT_TRUE(back.sends);
  EXPECT_EQ(back.seconds, 2);
  for (const char* damaged : {"", "{", "[]", "[1]", "[\"a\",1,2,3,4,5]"}) {
    EXPECT_FALSE(activity_from_json(damaged).in_action()) << damaged;
  }
}

TEST(Stall, TheEndOfTheChainIsTheCause) {
  const Cause cause = explain_stall(
      waited(0),
      {{"a", waits(in(0, 1, "B"), 1), ""},
       {"b", waits(in(1, 1, "B"), 2), ""},
       {"c", in(2, 1, "F"), ""}});
  EXPECT_EQ(
      to_string(cause),
      "rank 2 (c), stage 2, microbatch 1, 2F1: has been in 2F1 for 2.0 s; "
      "rank 0 waited 2 s for a message from rank 1: the gradient of "
      "microbatch 1 of stage 1 (pipeline.stall_timeout)");
  EXPECT_EQ(
      cause.details,
      (std::vector<std::string>{
          "rank 0 (a): in 0B1, waiting for a message from rank 1: the gradient "
          "of microbatch 1 of stage 1, 2.0 s",
          "rank 1 (b): in 1B1, waiting for a message from rank 2: the gradient "
          "of microbatch 1 of stage 2, 2.0 s",
          "rank 2 (c): in 2F1, running, 2.0 s"}));
}

TEST(Stall, ARankThatDoesNotRespondIsTheCauseWhateverItWaitedFor) {
  const Cause cause = explain_stall(
      waited(0),
      {{"a", waits(in(0, 1, "B"), 1), ""},
       {"b", waits(in(1, 1, "B"), 2), "its process is stopped"},
       {"c", waits(in(2, 2, "F"), 1), ""}});
  EXPECT_EQ(
      to_string(cause).find("rank 1 (b), last seen in stage 1, microbatch 1, "
                            "1B1: doesn't respond: its process is stopped; "),
      0u)
      << to_string(cause);
  EXPECT_EQ(
      cause.details.at(1),
      "rank 1 (b): in 1B1 when last heard from; its process is stopped");
}

TEST(Stall, ARingIsALostMessage) {
  const Cause cause = explain_stall(
      waited(0),
      {{"a", waits(in(0, 1, "B"), 1), ""}, {"b", waits(in(1, 2, "F"), 0), ""}});
  EXPECT_EQ(
      to_string(cause),
      "rank 0 (a): waited 2 s for a message from rank 1: the gradient of "
      "microbatch 1 of stage 1; ranks 0, 1, 0 wait for each other: a message "
      "was lost, or a link is stuck");
  EXPECT_EQ(cause.details.size(), 2u);
}

TEST(Stall, ARankThatDoesNotRespondIsTheCauseOfWaitsForSomethingElse) {
  Cause parts = waited(0);
  parts.message = "waited 2 s for the other ranks' parts";
  const Cause cause =
      explain_stall(parts, {{"a", {}, ""}, {"b", in(1, 2, "F"), "stopped"}});
  EXPECT_EQ(
      to_string(cause),
      "rank 1 (b), last seen in stage 1, microbatch 2, 1F2: doesn't respond: "
      "stopped; rank 0 waited 2 s for the other ranks' parts "
      "(pipeline.stall_timeout)");
  const Cause alone =
      explain_stall(parts, {{"a", {}, ""}, {"b", in(1, 2, "F"), ""}});
  EXPECT_EQ(
      to_string(alone), "rank 0 (a): waited 2 s for the other ranks' parts");
  EXPECT_EQ(alone.details.size(), 2u);
}

TEST(Stall, AWaitForARankThatDoesNotExistEndsTheChain) {
  for (const int peer : {2, 7, (1 << 30) - 1}) {
    const Cause cause = explain_stall(
        waited(0),
        {{"a", waits(in(0, 1, "B"), 1), ""},
         {"b", waits(in(1, 1, "B"), peer), ""}});
    EXPECT_EQ(cause.rank, 1);
    EXPECT_EQ(cause.details.size(), 2u);
  }
}

TEST(ActivityText, NumbersThatNoRankHasAreNoActivity) {
  const auto text = [](int stage, int microbatch, int peer) {
    return "[" + std::to_string(stage) + "," + std::to_string(microbatch) +
           ",\"F\"," + std::to_string(peer) + ",false,1.0]";
  };
  ASSERT_EQ(activity_from_json(text(1, 2, 3)).peer, 3);
  for (const int number : {-2, 1 << 30, std::numeric_limits<int>::max()}) {
    EXPECT_FALSE(activity_from_json(text(number, 2, 3)).in_action());
    EXPECT_FALSE(activity_from_json(text(1, number, 3)).in_action());
    EXPECT_FALSE(activity_from_json(text(1, 2, number)).waits());
  }
}

TEST(Activity, ReportsEachChange) {
  Activity activity;
  EXPECT_FALSE(activity.now().in_action());
  std::string seen;
  activity.observe([&](const ActivityEvent& event) {
    switch (event.what) {
      case ActivityEvent::What::ActionBegins:
        seen += std::to_string(event.stage) + std::string(event.kind) +
                std::to_string(event.microbatch) + " ";
        break;
      case ActivityEvent::What::ActionsEnd:
        seen += "end ";
        break;
      case ActivityEvent::What::WaitBegins:
        seen += "waits for " + std::to_string(event.peer) + " ";
        break;
      case ActivityEvent::What::WaitEnds:
        seen += "no longer ";
        break;
    }
  });
  activity.begin(1, 2, "F");
  activity.begin_wait(0, false);
  EXPECT_EQ(action_text(activity.now()), "1F2");
  EXPECT_EQ(activity.now().peer, 0);
  activity.end_wait();
  EXPECT_FALSE(activity.now().waits());
  activity.begin(1, 3, "B");
  activity.end();
  EXPECT_FALSE(activity.now().in_action());
  EXPECT_EQ(seen, "1F2 waits for 0 no longer 1B3 end ");
}

}  // namespace
}  // namespace pp
