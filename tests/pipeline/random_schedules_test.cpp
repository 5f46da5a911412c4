// Random schedules, executed on four thread ranks. Every valid one runs to its
// end and gives, bit by bit, the gradients of the unsplit graph, added up in
// the order of the schedule's backwards. Every broken one is refused before it
// runs.

#include "tests/schedule/random_schedules.h"

#include <mutex>

#include <gtest/gtest.h>

#include <ATen/ops/add.h>
#include <ATen/ops/randn.h>

#include "loader/core/error.h"
#include "loader/ir/text.h"
#include "loader/operators/schemas.h"
#include "runtime/launch/launch.h"
#include "runtime/pipeline/executor.h"
#include "runtime/schedule/csv.h"
#include "runtime/schedule/lower.h"
#include "runtime/schedule/validate.h"
#include "splitter/cut/partition.h"
#include "tests/pipeline/test_stage.h"

namespace pp {
namespace {

constexpr int kRanks = 4;
constexpr int kLayers = 8;
constexpr int kMicrobatches = 5;
constexpr int64_t kWidth = 4;

std::string layer(int index) {
  return "l" + std::to_string(index);
}

/// Eight layers of a linear and a tanh. Each reads the model's input as well as
/// the previous layer's output, so every stage sends two tensors.
ir::Graph model_graph() {
  std::string text = "input %x: float32[s0=4, 4]\n";
  for (int i = 0; i < kLayers; ++i) {
    const std::string n = std::to_string(i);
    text += "parameter l" + n + ".w = %w" + n + ": float32[4, 4] grad\n";
  }
  text += "%h: float32[s0=4, 4] = aten.tanh.default(self=%x) @ l0\n";
  std::string previous = "h";
  for (int i = 0; i < kLayers; ++i) {
    const std::string n = std::to_string(i);
    text += "%a" + n + ": float32[s0=4, 4] = aten.linear.default(input=%" +
            previous + ", weight=%w" + n + ") @ l" + n + "\n";
    text += "%b" + n + ": float32[s0=4, 4] = aten.mul.Tensor(self=%a" + n +
            ", other=%h) @ l" + n + "\n";
    text += "%t" + n + ": float32[s0=4, 4] = aten.tanh.default(self=%b" + n +
            ") @ l" + n + "\n";
    previous = "t" + n;
  }
  ir::Graph graph = ir::parse_text(text + "output y = %" + previous + "\n");
  annotate_effects(graph, "test");
  return graph;
}

using Weights = std::map<std::string, at::Tensor>;

/// The model in a number of stages, ready to run again and again.
class Stages {
 public:
  Stages(const ir::Graph& graph, int num_stages, const Weights& weights) {
    Model model;
    model.path = "test";
    model.graph = graph;
    SplitSpec spec;
    for (int stage = 1; stage < num_stages; ++stage) {
      spec.at.push_back({layer(stage * kLayers / num_stages)});
    }
    const Partition parts = partition(model, spec);
    stages_.reserve(parts.stages.size());
    for (int index = 0; index < num_stages; ++index) {
      stages_.push_back(test::make_stage(parts, index, weights));
    }
  }

  /// Runs a step of the schedule. Returns each microbatch's output.
  std::map<int, at::Tensor> run(
      const Schedule& schedule, const std::vector<UserInputs>& inputs) {
    std::map<int, at::Tensor> outputs;
    std::mutex mutex;
    const int num_ranks = static_cast<int>(schedule.ranks.size());
    launch_local(num_ranks, {}, [&](RankContext& context) {
      std::map<int, Stage*> mine;
      for (Stage& stage : stages_) {
        if (schedule.stage_to_rank[stage.index()] == context.rank) {
          mine.emplace(stage.index(), &stage);
        }
      }
      Executor executor(context, schedule, mine);
      StepInputs step;
      step.user_inputs = [&](int m) -> const UserInputs& { return inputs[m]; };
      step.on_outputs = [&](int m, const auto& values) {
        const std::lock_guard lock(mutex);
        outputs[m] = values.at("y").detach();
        return values.at("y").square().sum();
      };
      executor.run(step);
    });
    return outputs;
  }

  /// Removes the gradients.
  Weights gradients() {
    Weights all;
    for (Stage& stage : stages_) {
      EXPECT_EQ(stage.num_saved(), 0);
      for (StageState& state : stage.states()) {
        all.emplace(state.fqn, state.tensor.grad());
        state.tensor.mutable_grad().reset();
      }
    }
    return all;
  }

  /// Returns the stage that holds a parameter.
  int holder(const std::string& fqn) const {
    for (const Stage& stage : stages_) {
      for (const StageState& state : stage.states()) {
        if (state.fqn == fqn) {
          return stage.index();
        }
      }
    }
    return -1;
  }

 private:
  std::vector<Stage> stages_;
};

class RandomExecution : public testing::Test {
 protected:
  RandomExecution() {
    at::manual_seed(7);
    const ir::Graph graph = model_graph();
    Weights weights;
    for (int i = 0; i < kLayers; ++i) {
      weights.emplace(layer(i) + ".w", at::randn({kWidth, kWidth}));
    }
    for (int m = 0; m < kMicrobatches; ++m) {
      inputs_.push_back({{"x", at::randn({1 + m % 3, kWidth})}});
    }
    for (int stages = kRanks; stages <= kLayers; ++stages) {
      stages_.emplace(stages, Stages(graph, stages, weights));
    }
    // The reference: each microbatch alone through the unsplit graph.
    Stages whole(graph, 1, weights);
    const Schedule one = find_schedule("GPipe").generate({1, 1, 1});
    for (const UserInputs& input : inputs_) {
      outputs_.push_back(whole.run(lower(one), {input}).at(0));
      gradients_.push_back(whole.gradients());
    }
  }

  void expect_runs(const Schedule& schedule) {
    Stages& stages =
        stages_.at(static_cast<int>(schedule.stage_to_rank.size()));
    const auto outputs = stages.run(schedule, inputs_);
    ASSERT_EQ(static_cast<int>(outputs.size()), num_microbatches(schedule));
    for (const auto& [m, output] : outputs) {
      ASSERT_TRUE(output.equal(outputs_[m])) << m;
    }
    for (const auto& [fqn, gradient] : stages.gradients()) {
      ASSERT_TRUE(gradient.equal(expected(schedule, fqn, stages.holder(fqn))))
          << fqn;
    }
  }

  Schedule random_valid(Random& random) {
    const int microbatches = 1 + pick(random, kMicrobatches);
    const int num_stages = kRanks + pick(random, kLayers - kRanks + 1);
    Schedule schedule = random_schedule(
        random, random_map(random, kRanks, num_stages), microbatches, true);
    if (pick(random, 3) == 0) {
      schedule = merge_backward(std::move(schedule));
    }
    schedule = lower(std::move(schedule));
    if (pick(random, 2) == 0) {
      schedule = defer_recv(std::move(schedule));
    }
    if (pick(random, 2) == 0) {
      schedule = limit_sends(std::move(schedule), 1 + pick(random, 3));
    }
    return schedule;
  }

 private:
  /// The microbatches' gradients, added up in the order of the schedule.
  at::Tensor expected(
      const Schedule& schedule, const std::string& fqn, int stage) const {
    at::Tensor sum;
    for (const Action& action : schedule.ranks[schedule.stage_to_rank[stage]]) {
      if (action.stage == stage &&
          (action.kind == ActionKind::FullBackward ||
           action.kind == ActionKind::BackwardWeight)) {
        const at::Tensor& term = gradients_[action.microbatch].at(fqn);
        sum = sum.defined() ? sum.add(term) : term;
      }
    }
    return sum;
  }

  std::map<int, Stages> stages_;  // by number of stages
  std::vector<UserInputs> inputs_;
  std::vector<at::Tensor> outputs_;  // by microbatch
  std::vector<Weights> gradients_;
};

TEST_F(RandomExecution, EveryValidScheduleGivesTheReferenceGradients) {
  Random random(11);
  for (int round = 0; round < 1000; ++round) {
    const Schedule schedule = random_valid(random);
    const int microbatches = num_microbatches(schedule);
    ASSERT_NO_THROW(validate(schedule, microbatches, true));
    expect_runs(schedule);
    ASSERT_FALSE(HasFatalFailure()) << to_csv(schedule);
  }
}

TEST_F(RandomExecution, ADamagedScheduleIsRefusedOrStillRight) {
  Random random(12);
  int refused = 0;
  int ran = 0;
  for (int round = 0; round < 3000; ++round) {
    Schedule schedule = random_valid(random);
    const int microbatches = num_microbatches(schedule);
    for (int change = 1 + pick(random, 3); change > 0; --change) {
      mutate(random, schedule, microbatches);
    }
    try {
      validate(schedule, microbatches, true);
    } catch (const Error&) {
      ++refused;
      continue;
    }
    ++ran;
    expect_runs(schedule);
    ASSERT_FALSE(HasFatalFailure()) << to_csv(schedule);
  }
  EXPECT_GT(refused, 2000);
  EXPECT_GT(ran, 100);
}

}  // namespace
}  // namespace pp
