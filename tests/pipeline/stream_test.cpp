// Forwards as one stream, executed on thread ranks.

#include "runtime/schedule/stream.h"

#include <algorithm>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include <ATen/ops/full.h>

#include "loader/ir/text.h"
#include "loader/operators/schemas.h"
#include "runtime/launch/launch.h"
#include "runtime/pipeline/executor.h"
#include "runtime/schedule/placement.h"
#include "splitter/cut/partition.h"
#include "tests/pipeline/test_stage.h"

namespace pp {
namespace {

/// A chain of stages that each add one: a microbatch leaves as its input plus
/// the number of stages.
Partition chain(int num_stages) {
  Model model;
  model.path = "test";
  std::string text = "input %x: float32[s0=4, 2]\n";
  std::string previous = "x";
  SplitSpec spec;
  for (int i = 0; i < num_stages; ++i) {
    const std::string n = std::to_string(i);
    text += "%t" + n + ": float32[s0=4, 2] = aten.add.Scalar(self=%" +
            previous + ", other=1) @ l" + n + "\n";
    previous = "t" + n;
    if (i > 0) {
      spec.at.push_back({"l" + n});
    }
  }
  model.graph = ir::parse_text(text + "output y = %" + previous + "\n");
  annotate_effects(model.graph, "test");
  return partition(model, spec);
}

struct Streamed {
  int64_t slots = 0;           ///< duration, in forwards
  int max_in_flight = 0;       ///< microbatches between first and last stage
  std::vector<float> outputs;  ///< in the order in which they came
};

/// Follows a stream on a clock on which each forward takes one slot, and begins
/// when its rank is free and its input has been made.
class StreamClock {
 public:
  /// rank_time  the end of the rank's previous forward
  void forward(int stage, int microbatch, int64_t& rank_time) {
    const std::lock_guard lock(mutex_);
    if (stage == 0) {
      streamed_.max_in_flight = std::max(
          streamed_.max_in_flight,
          ++num_entered_ - static_cast<int>(streamed_.outputs.size()));
    } else {
      rank_time = std::max(rank_time, end_of_.at({stage - 1, microbatch}));
    }
    end_of_[{stage, microbatch}] = ++rank_time;
    streamed_.slots = std::max(streamed_.slots, rank_time);
  }

  void add_output(float value) {
    const std::lock_guard lock(mutex_);
    streamed_.outputs.push_back(value);
  }

  const Streamed& streamed() const { return streamed_; }

 private:
  std::mutex mutex_;
  Streamed streamed_;
  int num_entered_ = 0;
  std::map<std::pair<int, int>, int64_t> end_of_;  // by stage and microbatch
};

/// Runs `count` microbatches; `pause` slows the last stage down.
Streamed run_stream(
    const StageMap& map, int count, std::chrono::microseconds pause = {}) {
  const int num_stages = static_cast<int>(map.size());
  const Partition parts = chain(num_stages);
  const ForwardStream stream(map, count);
  Schedule placement;
  placement.stage_to_rank = map;
  placement.ranks.resize(
      static_cast<size_t>(*std::ranges::max_element(map)) + 1);
  StreamClock clock;
  const auto main = [&](RankContext& context) {
    std::map<int, Stage> stages;
    std::map<int, Stage*> pointers;
    for (int index = 0; index < num_stages; ++index) {
      if (map[index] == context.rank) {
        const auto added =
            stages.emplace(index, test::make_stage(parts, index, {}));
        pointers.emplace(index, &added.first->second);
      }
    }
    Executor executor(context, placement, pointers);
    UserInputs input;
    int64_t rank_time = 0;
    const Action* current = nullptr;
    StepInputs step;
    step.pass = Pass::Infer;
    step.user_inputs = [&](int m) -> const UserInputs& {
      clock.forward(current->stage, m, rank_time);
      input = {{"x", at::full({1, 2}, static_cast<float>(1000 * m))}};
      return input;
    };
    step.on_outputs = [&](int, const auto& values) {
      std::this_thread::sleep_for(pause);
      clock.add_output(values.at("y").template data_ptr<float>()[0]);
      return at::Tensor();
    };
    std::vector<Action> actions;
    for (int64_t slot = 0; slot < stream.num_slots(); slot += 5) {
      actions.clear();
      stream.append(context.rank, slot, slot + 5, actions);
      for (const Action& action : actions) {
        current = &action;
        executor.run_part({&action, 1}, step);
      }
    }
    executor.finish();
  };
  launch_local(static_cast<int>(placement.ranks.size()), {}, main);
  return clock.streamed();
}

void expect_outputs_in_order(
    const Streamed& run, int count, size_t num_stages) {
  ASSERT_EQ(static_cast<int>(run.outputs.size()), count);
  for (int m = 0; m < count; ++m) {
    EXPECT_EQ(
        run.outputs[m],
        static_cast<float>(1000 * m) + static_cast<float>(num_stages));
  }
}

TEST(Stream, BatchesOfMicrobatchesTakeOneFillAndOneDrain) {
  constexpr int kBatches = 6;
  for (const int ranks : {1, 2, 4}) {
    for (const int microbatches : {1, 3}) {
      const int count = kBatches * microbatches;
      const StageMap map = block_placement("GPipe", {ranks, ranks, 1});
      const Streamed run = run_stream(map, count);
      EXPECT_EQ(run.slots, count + ranks - 1);
      expect_outputs_in_order(run, count, map.size());
    }
  }
}

TEST(Stream, SoWithSeveralStagesARank) {
  for (const StageMap& map :
       {loop_placement("LoopedBFS", {4, 8, 1}),
        v_placement("ZBVZeroBubble", {4, 8, 1}),
        StageMap{0, 0, 1, 2, 2, 3, 1}}) {
    const Streamed run = run_stream(map, 24);
    EXPECT_LE(run.slots, ForwardStream(map, 24).num_slots());
    expect_outputs_in_order(run, 24, map.size());
  }
}

// A first stage that is faster than the last one waits, however long the data.
TEST(Stream, AFastRankDoesNotRunAway) {
  const Streamed run =
      run_stream({0, 1, 2, 3}, 200, std::chrono::microseconds(300));
  expect_outputs_in_order(run, 200, 4);
  EXPECT_LE(run.max_in_flight, 4 * 4);
}

}  // namespace
}  // namespace pp
