#include "runtime/launch/signals.h"

#include <atomic>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

namespace pp {
namespace {

TEST(Signals, ArriveOnTheWatchsThread) {
  std::atomic<int> caught{0};
  std::atomic<bool> from_terminal{true};
  {
    const SignalWatch watch([&](const CaughtSignal& signal) {
      from_terminal = signal.from_terminal;
      caught = signal.number;
    });
    kill(getpid(), SIGTERM);
    for (int look = 0; look < 500 && caught == 0; ++look) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  EXPECT_EQ(caught, SIGTERM);
  EXPECT_FALSE(from_terminal);
}

TEST(Signals, EndTheProcessAgainWhenTheWatchIsGone) {
  EXPECT_EXIT(
      {
        {
          const SignalWatch watch([](const CaughtSignal&) {});
        }
        raise(SIGINT);
        _exit(0);
      },
      ::testing::KilledBySignal(SIGINT),
      "");
}

}  // namespace
}  // namespace pp
