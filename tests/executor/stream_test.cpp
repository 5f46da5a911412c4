// Forwards as one stream, really executed on thread ranks.

#include "runtime/schedule/stream.h"

#include <algorithm>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include <ATen/ops/full.h>

#include "loader/formats/schemas.h"
#include "loader/ir/text.h"
#include "runtime/executor/executor.h"
#include "runtime/launch/launch.h"
#include "runtime/schedule/placement.h"
#include "splitter/partition.h"

namespace pp {
namespace {

/// A chain of additions of one: a microbatch leaves as its input and the
/// number of stages it has passed.
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
  int64_t slots = 0;           ///< by a clock that counts forwards
  int most_under_way = 0;      ///< microbatches between first and last stage
  std::vector<float> outputs;  ///< in the order in which they came
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
  Streamed result;
  int entered = 0;
  std::mutex mutex;
  std::map<std::pair<int, int>, int64_t> slot_of;  // stage, microbatch
  launch_local(
      static_cast<int>(placement.ranks.size()), {}, [&](RankContext& context) {
        std::vector<Stage> stages;
        stages.reserve(parts.stages.size());
        std::map<int, Stage*> mine;
        for (int index = 0; index < num_stages; ++index) {
          if (map[index] == context.rank) {
            Border border = plan_border(parts.manifest, index, {"y"});
            auto programs = compile_programs(
                parts.stages[index], border, std::nullopt, "test");
            stages.emplace_back(
                index,
                std::move(border),
                std::move(programs),
                std::vector<StageState>());
            mine.emplace(index, &stages.back());
          }
        }
        Executor executor(context, placement, mine);
        StepInputs step;
        step.pass = Pass::Infer;
        UserInputs input;
        int64_t clock = 0;
        const Action* now = nullptr;
        step.user_inputs = [&](int m) -> const UserInputs& {
          const std::lock_guard lock(mutex);
          const int stage = now->stage;
          if (stage == 0) {
            result.most_under_way = std::max(
                result.most_under_way,
                ++entered - static_cast<int>(result.outputs.size()));
          } else {
            // What this forward needs was made by now.
            clock = std::max(clock, slot_of.at({stage - 1, m}));
          }
          slot_of[{stage, m}] = ++clock;
          result.slots = std::max(result.slots, clock);
          input = {{"x", at::full({1, 2}, static_cast<float>(1000 * m))}};
          return input;
        };
        step.on_outputs = [&](int, const auto& values) {
          std::this_thread::sleep_for(pause);
          const std::lock_guard lock(mutex);
          result.outputs.push_back(
              values.at("y").template data_ptr<float>()[0]);
          return at::Tensor();
        };
        std::vector<Action> actions;
        for (int64_t slot = 0; slot < stream.num_slots(); slot += 5) {
          actions.clear();
          stream.append(context.rank, slot, slot + 5, actions);
          for (const Action& action : actions) {
            now = &action;
            executor.run_part({&action, 1}, step);
          }
        }
        executor.finish();
      });
  return result;
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

// However long the data: a first stage that is faster than the last waits.
TEST(Stream, AFastRankDoesNotRunAway) {
  const Streamed run =
      run_stream({0, 1, 2, 3}, 200, std::chrono::microseconds(300));
  expect_outputs_in_order(run, 200, 4);
  EXPECT_LE(run.most_under_way, 4 * 4);
}

}  // namespace
}  // namespace pp
