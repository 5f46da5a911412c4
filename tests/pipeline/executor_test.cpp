#include "runtime/pipeline/executor.h"

#include <mutex>

#include <gtest/gtest.h>

#include <ATen/ATen.h>

#include "loader/core/error.h"
#include "loader/ir/text.h"
#include "loader/operators/schemas.h"
#include "runtime/launch/launch.h"
#include "runtime/rank/failure.h"
#include "runtime/schedule/lower.h"
#include "splitter/cut/partition.h"
#include "tests/pipeline/test_stage.h"

namespace pp {
namespace {

/// Four layers, each a linear and a tanh, on a dynamic batch; dropout between
/// the second and the third, so that randomness is under test too.
std::string four_layers() {
  std::string text = "input %x: float32[s0=4, 8]\n";
  for (int i = 0; i < 4; ++i) {
    const std::string n = std::to_string(i);
    text += "parameter l" + n + ".w = %w" + n + ": float32[8, 8] grad\n";
  }
  std::string previous = "x";
  for (int i = 0; i < 4; ++i) {
    const std::string n = std::to_string(i);
    text += "%a" + n + ": float32[s0=4, 8] = aten.linear.default(input=%" +
            previous + ", weight=%w" + n + ") @ l" + n + "\n";
    text += "%t" + n + ": float32[s0=4, 8] = aten.tanh.default(self=%a" + n +
            ") @ l" + n + "\n";
    previous = "t" + n;
    if (i == 1) {
      text +=
          "%d: float32[s0=4, 8] = aten.dropout.default(input=%t1, p=0.5, "
          "train=true) @ l1\n";
      previous = "d";
    }
  }
  return text + "output y = %" + previous + "\n";
}

struct Outcome {
  std::map<std::string, at::Tensor> gradients;
  std::map<int, at::Tensor> outputs;
};

/// Runs one training step of the four layers and collects all ranks' results.
Outcome run(
    const std::string& schedule_name,
    int num_ranks,
    std::vector<SplitPoint> at,
    int num_microbatches,
    const std::string& text = four_layers(),
    Pass pass = Pass::Train) {
  Model model;
  model.path = "test";
  model.graph = ir::parse_text(text);
  annotate_effects(model.graph, "test");
  SplitSpec spec;
  spec.at = std::move(at);
  const Partition parts = partition(model, spec);
  const int num_stages = static_cast<int>(parts.stages.size());
  Schedule schedule = find_schedule(schedule_name)
                          .generate({num_ranks, num_stages, num_microbatches});
  if (pass != Pass::Train) {
    schedule = forward_only(schedule);
  }
  schedule = lower(schedule);

  std::vector<UserInputs> inputs;
  at::manual_seed(7);
  for (int i = 0; i < num_microbatches; ++i) {
    inputs.push_back({{"x", at::randn({1 + i % 3, 8})}});
  }
  std::map<std::string, at::Tensor> weights;
  for (const ir::State& state : model.graph.states) {
    weights.emplace(state.fqn, at::randn({8, 8}));
  }

  Outcome outcome;
  std::mutex mutex;
  launch_local(num_ranks, {}, [&](RankContext& context) {
    std::vector<Stage> stages;
    stages.reserve(parts.stages.size());
    std::map<int, Stage*> mine;
    for (int index = 0; index < num_stages; ++index) {
      if (schedule.stage_to_rank[index] != context.rank) {
        continue;
      }
      stages.push_back(test::make_stage(parts, index, weights));
      mine.emplace(index, &stages.back());
    }
    Executor executor(context, schedule, mine);
    StepInputs step;
    step.pass = pass;
    step.user_inputs = [&](int m) -> const UserInputs& { return inputs[m]; };
    step.on_outputs = [&](int m, const auto& outputs) {
      const std::lock_guard lock(mutex);
      outcome.outputs[m] = outputs.at("y").detach();
      return pass == Pass::Train ? outputs.at("y").square().sum()
                                 : at::Tensor();
    };
    executor.run(step);
    const std::lock_guard lock(mutex);
    for (Stage& stage : stages) {
      for (const StageState& state : stage.states()) {
        outcome.gradients[state.fqn] = state.tensor.grad();
      }
    }
  });
  return outcome;
}

void expect_equal(const Outcome& a, const Outcome& b) {
  ASSERT_EQ(a.outputs.size(), b.outputs.size());
  for (const auto& [microbatch, output] : a.outputs) {
    EXPECT_TRUE(output.equal(b.outputs.at(microbatch))) << microbatch;
  }
  ASSERT_EQ(a.gradients.size(), b.gradients.size());
  for (const auto& [fqn, gradient] : a.gradients) {
    EXPECT_TRUE(gradient.equal(b.gradients.at(fqn))) << fqn;
  }
}

TEST(Executor, BitsDoNotDependOnSplitScheduleOrRanks) {
  const Outcome whole = run("GPipe", 1, {}, 6);
  ASSERT_EQ(whole.gradients.size(), 4);
  expect_equal(whole, run("GPipe", 2, {{"l2"}}, 6));
  expect_equal(whole, run("1F1B", 2, {{"l1"}}, 6));
  expect_equal(whole, run("1F1B", 4, {{"l1"}, {"l2"}, {"l3"}}, 6));
  expect_equal(whole, run("GPipe", 3, {{"l1"}, {"l3"}}, 6));
}

TEST(Executor, FewerMicrobatchesThanRanks) {
  expect_equal(
      run("GPipe", 1, {}, 1), run("1F1B", 4, {{"l1"}, {"l2"}, {"l3"}}, 1));
}

TEST(Executor, NeighboursOnOneRankHandOverWithoutTransport) {
  const Outcome whole = run("GPipe", 1, {}, 4);
  expect_equal(whole, run("Interleaved1F1B", 2, {{"l1"}, {"l2"}, {"l3"}}, 4));
  expect_equal(whole, run("Interleaved1F1B", 1, {{"l1"}, {"l2"}, {"l3"}}, 4));
}

TEST(Executor, SplitBackwardGivesTheGradientsOfAWholeOne) {
  const Outcome whole = run("GPipe", 1, {}, 6);
  for (const char* name : {"InterleavedZeroBubble", "ZBVZeroBubble"}) {
    const Outcome split = run(name, 2, {{"l1"}, {"l2"}, {"l3"}}, 6);
    for (const auto& [fqn, gradient] : whole.gradients) {
      EXPECT_TRUE(gradient.allclose(split.gradients.at(fqn), 1e-6, 1e-7))
          << name << " " << fqn;
    }
  }
}

TEST(Executor, EveryScheduleTrainsAndInfers) {
  const Outcome whole = run("GPipe", 1, {}, 4);
  for (const ScheduleEntry& entry : all_schedules()) {
    const std::string name(entry.name);
    const std::vector<SplitPoint> at =
        entry.default_stages_per_rank == 1
            ? std::vector<SplitPoint>{{"l2"}}
            : std::vector<SplitPoint>{{"l1"}, {"l2"}, {"l3"}};
    const Outcome trained = run(name, 2, at, 4);
    for (const auto& [fqn, gradient] : whole.gradients) {
      EXPECT_TRUE(gradient.allclose(trained.gradients.at(fqn), 1e-5, 1e-6))
          << name << " " << fqn;
    }
    const Outcome inferred = run(name, 2, at, 4, four_layers(), Pass::Infer);
    for (const auto& [microbatch, output] : whole.outputs) {
      EXPECT_TRUE(output.equal(inferred.outputs.at(microbatch))) << name;
    }
  }
}

TEST(Executor, ForwardOnlyGivesTheSameOutputs) {
  const Outcome trained = run("1F1B", 2, {{"l2"}}, 5);
  const Outcome inferred =
      run("1F1B", 2, {{"l2"}}, 5, four_layers(), Pass::Infer);
  for (const auto& [microbatch, output] : trained.outputs) {
    EXPECT_TRUE(output.equal(inferred.outputs.at(microbatch)));
  }
}

TEST(Executor, TheFirstCauseNamesRankStageMicrobatchAndAction) {
  // Stage 1 expects rows of 8, which can't be viewed as rows of 7.
  std::string text = four_layers();
  text.replace(
      text.find("%t2: float32[s0=4, 8] = aten.tanh.default(self=%a2)"),
      std::string("%t2: float32[s0=4, 8] = aten.tanh.default(self=%a2)").size(),
      "%t2: float32[s0=4, 8] = aten.view.default(self=%a2, size=ints[-1, 7])");
  for (const char* schedule : {"GPipe", "1F1B"}) {
    try {
      run(schedule, 2, {{"l2"}}, 4, text);
      FAIL() << "no error";
    } catch (const JobFailed& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Runtime);
      EXPECT_EQ(error.cause().rank, 1);
      EXPECT_EQ(error.cause().stage, 1);
      EXPECT_EQ(error.cause().microbatch, 0);
      EXPECT_EQ(error.cause().action, "1F0");
      EXPECT_NE(
          error.cause().message.find("aten.view.default"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace pp
