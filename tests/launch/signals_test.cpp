#include "runtime/launch/signals.h"

#include <atomic>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "runtime/launch/stop_signals.h"

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

bool comes(const std::stop_token& token) {
  for (int look = 0; look < 500 && !token.stop_requested(); ++look) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return token.stop_requested();
}

TEST(StopSignals, TheFirstAsksToSaveAndTheSecondToStop) {
  StopSignals signals(std::chrono::minutes(10), Log(LogLevel::Error));
  signals.allow_saving();
  kill(getpid(), SIGHUP);
  EXPECT_TRUE(comes(signals.save_and_stop()));
  kill(getpid(), SIGHUP);  // the same request, sent to the group too
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  EXPECT_FALSE(signals.stop_now().stop_requested());
  kill(getpid(), SIGTERM);
  EXPECT_TRUE(comes(signals.stop_now()));
  EXPECT_EQ(signals.first(), SIGHUP);
}

TEST(StopSignals, TheTimeToSaveEnds) {
  StopSignals signals(std::chrono::milliseconds(50), Log(LogLevel::Error));
  signals.allow_saving();
  kill(getpid(), SIGINT);
  EXPECT_TRUE(comes(signals.stop_now()));
  EXPECT_TRUE(signals.save_and_stop().stop_requested());
}

TEST(StopSignals, BeforeThereIsSomethingToSaveTheFirstStops) {
  const StopSignals signals(std::chrono::minutes(10), Log(LogLevel::Error));
  kill(getpid(), SIGTERM);
  EXPECT_TRUE(comes(signals.stop_now()));
  EXPECT_FALSE(signals.save_and_stop().stop_requested());
}

TEST(StopSignals, WithoutTimeToSaveTheFirstStops) {
  const StopSignals signals(std::nullopt, Log(LogLevel::Error));
  kill(getpid(), SIGINT);
  EXPECT_TRUE(comes(signals.stop_now()));
  EXPECT_FALSE(signals.save_and_stop().stop_requested());
}

}  // namespace
}  // namespace pp
