#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <stop_token>
#include <thread>

#include <gtest/gtest.h>

#include <ATen/Parallel.h>
#include <ATen/ops/full.h>

#include "runtime/launch/launch.h"
#include "runtime/rank/agree.h"
#include "runtime/rank/collectives.h"
#include "runtime/rank/failure.h"

namespace pp {
namespace {

using std::chrono::milliseconds;

TEST(LaunchLocal, EveryRankRunsOnceWithItsOwnContext) {
  std::mutex mutex;
  std::set<int> seen;
  LaunchOptions options;
  options.threads_per_rank = 1;
  launch_local(4, options, [&](RankContext& context) {
    EXPECT_EQ(context.size, 4);
    EXPECT_EQ(context.transport->rank(), context.rank);
    EXPECT_EQ(context.launcher, LauncherKind::Local);
    EXPECT_EQ(at::get_num_threads(), 1);
    context.check_interrupted();
    const std::lock_guard lock(mutex);
    EXPECT_TRUE(seen.insert(context.rank).second);
  });
  EXPECT_EQ(seen.size(), 4u);
}

TEST(LaunchLocal, GatherAndBroadcastKeepRankOrder) {
  launch_local(3, {}, [](RankContext& context) {
    Message own;
    own.tensors = {at::full({2}, context.rank)};
    const auto all = gather(context, own);
    if (context.rank != 0) {
      EXPECT_TRUE(all.empty());
    }
    Message out;
    for (const Message& message : all) {
      out.tensors.push_back(message.tensors.at(0));
    }
    out = broadcast(context, out);
    ASSERT_EQ(out.tensors.size(), 3u);
    for (int rank = 0; rank < 3; ++rank) {
      EXPECT_EQ(
          out.tensors[static_cast<size_t>(rank)][0].item().to<int>(), rank);
    }
    agree(context, "cuts", {{"split", "the same"}});
  });
}

TEST(LaunchLocal, TheFirstCauseEndsEveryRank) {
  std::atomic<int> ended{0};
  try {
    launch_local(3, {}, [&](RankContext& context) {
      if (context.rank == 1) {
        throw ActionFailed(ErrorKind::Input, 1, 2, "1F2", "no such thing");
      }
      if (context.rank == 0) {
        try {
          context.transport->recv(2)->wait(milliseconds(20000));
        } catch (const Error&) {
          ++ended;
          throw;
        }
      }
      while (true) {
        context.check_interrupted();
        std::this_thread::sleep_for(milliseconds(1));
      }
    });
    FAIL() << "no error";
  } catch (const JobFailed& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Input);
    EXPECT_EQ(
        error.what(),
        "rank 1 (" + host_name() +
            "), stage 1, microbatch 2, 1F2: no such thing");
  }
  EXPECT_EQ(ended, 1);
}

TEST(LaunchLocal, TheErrorOfAnOnlyRankIsThrownAsItIs) {
  try {
    launch_local(
        1, {}, [](RankContext&) -> void { throw usage_error("plain"); });
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "plain");
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
  }
}

TEST(LaunchLocal, ARankThatEndsWhileAnotherWaitsForItIsNamed) {
  try {
    launch_local(2, {}, [](RankContext& context) {
      if (context.rank == 0) {
        context.transport->recv(1)->wait(milliseconds(20000));
      }
    });
    FAIL() << "no error";
  } catch (const JobFailed& error) {
    EXPECT_NE(
        std::string(error.what()).find("rank 1 closed its connection"),
        std::string::npos);
  }
}

TEST(LaunchLocal, RanksWithDifferentJobsDoNotAgree) {
  try {
    launch_local(3, {}, [](RankContext& context) {
      Agreement own{{"split", "in two"}, {"train.steps", "10"}};
      if (context.rank == 2) {
        own.erase("train.steps");
      }
      agree(context, "plan", own);
    });
    FAIL() << "no error";
  } catch (const JobFailed& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    EXPECT_EQ(
        error.cause().message,
        "rank 2 has train.steps = none, but rank 0 has 10; every rank must be "
        "given the same job and files");
  }
}

TEST(LaunchLocal, ARequestToStopInterruptsAllRanks) {
  std::stop_source stop;
  LaunchOptions options;
  options.stop = stop.get_token();
  std::thread other([&] {
    std::this_thread::sleep_for(milliseconds(50));
    stop.request_stop();
  });
  try {
    launch_local(2, options, [](RankContext& context) {
      context.transport->recv(1 - context.rank)->wait(milliseconds(20000));
    });
    ADD_FAILURE() << "no error";
  } catch (const JobFailed& error) {
    EXPECT_STREQ(error.what(), "interrupted");
  }
  other.join();
}

}  // namespace
}  // namespace pp
