#include "runtime/observe/trace.h"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace pp {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::milliseconds kWork{2};
constexpr std::chrono::milliseconds kWait{20};
constexpr double kWaitUs = 20'000;

// Within which times in double-precision microseconds are the same.
constexpr double kRounding = 0.01;

const int64_t kOrigin = trace_clock_ns();

void pass(std::chrono::milliseconds time) {
  std::this_thread::sleep_for(time);
}

/// The recorder's spans of this name.
std::vector<Json> slices(TraceRecorder& recorder, const std::string& name) {
  std::vector<Json> out;
  for (const Json& event : Json::parse("[" + recorder.events(kOrigin) + "]")) {
    if (event["ph"] == "X" && event["name"] == name) {
      out.push_back(event);
    }
  }
  return out;
}

double end_of(const Json& slice) {
  return slice["ts"].get<double>() + slice["dur"].get<double>();
}

TEST(TraceRecorder, AnActionThatBeginsWithAWaitBeginsAfterIt) {
  TraceRecorder recorder(3, 0);
  recorder.begin_action(1, 0, "RECV_F");
  recorder.begin_action(1, 0, "F");
  recorder.begin_wait("wait for rank 0");
  pass(kWait);
  recorder.end_wait();
  pass(kWork);
  recorder.end_actions();
  const auto waits = slices(recorder, "wait for rank 0");
  const auto forward = slices(recorder, "1F0");
  ASSERT_EQ(waits.size(), 1);
  ASSERT_GE(forward.size(), 1);  // two if the machine paused before the wait
  EXPECT_GE(waits[0]["dur"].get<double>(), kWaitUs);
  EXPECT_NEAR(forward.back()["ts"].get<double>(), end_of(waits[0]), kRounding);
  EXPECT_EQ(forward.back()["pid"], 3);
  // The arrow of the message ends there.
  for (const Json& event : Json::parse("[" + recorder.events(kOrigin) + "]")) {
    if (event["ph"] == "f") {
      EXPECT_EQ(event["ts"], forward.back()["ts"]);
    }
  }
}

TEST(TraceRecorder, AWaitDividesEverySpanAroundIt) {
  TraceRecorder recorder(0, 0);
  recorder.begin("outer");
  recorder.begin("inner");
  pass(kWork);
  recorder.begin_wait("first");
  recorder.begin_wait("second");  // ends the first
  pass(kWait);
  recorder.end_wait();
  recorder.end_wait();  // there is none
  pass(kWork);
  recorder.end();
  recorder.end();
  EXPECT_EQ(slices(recorder, "first").size(), 1);
  const Json wait = slices(recorder, "second").at(0);
  for (const char* name : {"outer", "inner"}) {
    const auto parts = slices(recorder, name);
    ASSERT_EQ(parts.size(), 2);
    EXPECT_LE(end_of(parts[0]), wait["ts"].get<double>() + kRounding);
    EXPECT_NEAR(parts[1]["ts"].get<double>(), end_of(wait), kRounding);
    EXPECT_FALSE(parts[0]["args"].contains("continued"));
    EXPECT_EQ(parts[1]["args"]["continued"], true);
  }
}

TEST(TraceRecorder, MarksStepsAndNamesTheRank) {
  TraceRecorder recorder(2, 0);
  recorder.set_step(1);
  recorder.set_step(2);
  std::vector<std::string> marks;
  std::vector<std::string> processes;
  for (const Json& event : Json::parse("[" + recorder.events(kOrigin) + "]")) {
    if (event["ph"] == "i") {
      marks.push_back(event["name"]);
    } else if (event["name"] == "process_name") {
      processes.push_back(event["args"]["name"]);
    }
  }
  EXPECT_EQ(marks, (std::vector<std::string>{"step 1", "step 2"}));
  EXPECT_EQ(processes, std::vector<std::string>{"rank 2"});
}

TEST(TraceRecorder, EndsWhatIsLeftOutWhenItIsFull) {
  TraceRecorder recorder(0, 0);
  recorder.begin("outer");
  for (size_t i = 0; i < TraceRecorder::kMaxSpans; ++i) {
    recorder.begin("inner");
    recorder.end();
  }
  recorder.begin_action(0, 0, "F");
  recorder.end_actions();
  pass(kWork);
  recorder.end();
  EXPECT_GE(slices(recorder, "outer").at(0)["dur"].get<double>(), 2'000);
  EXPECT_EQ(slices(recorder, "0F0").size(), 0);
}

}  // namespace
}  // namespace pp
