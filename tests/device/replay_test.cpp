// Runs two stages, once normally and once replayed as graphs of the fake
// device. Outputs, gradients and everything that the programs write have the
// same bits.
#include "runtime/stage/replay.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include "loader/core/error.h"
#include "loader/model_loader.h"
#include "runtime/device/rank_device.h"
#include "runtime/stage/map_states.h"
#include "runtime/stage/stage.h"
#include "splitter/cut/partition.h"
#include "tests/device/fake_device.h"
#include "tests/device/fake_graph.h"
#include "tests/support/paths.h"

namespace pp {
namespace {

/// Returns values of an input's type, which depend only on the seed.
at::Tensor values_of(const EntryPoint& entry, int rows, uint64_t seed) {
  std::vector<int64_t> sizes;
  for (const ir::Dim& dim : entry.contract.tensor.sizes) {
    sizes.push_back(dim.is_fixed() ? dim.value : rows);
  }
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(seed);
  const auto dtype = static_cast<at::ScalarType>(entry.contract.tensor.dtype);
  const at::Tensor values = at::isFloatingType(dtype)
                                ? at::randn(sizes, random, dtype)
                                : at::randint(4, sizes, random, dtype);
  return values.to(test::fake_device());
}

/// A fixture model in two stages on the fake device.
class Pipeline {
 public:
  explicit Pipeline(const std::string& fixture)
      : model_(load_model(test::fixture_folder() / (fixture + ".pt2"))) {
    SplitSpec spec;
    spec.num_stages = 2;
    const Partition parts = partition(model_, spec);
    for (const ir::Output& output : model_.graph.outputs) {
      outputs_.insert(output.name);
    }
    for (size_t i = 0; i < parts.stages.size(); ++i) {
      add_stage(parts, static_cast<int>(i));
    }
  }

  void replay() {
    for (Stage& stage : stages_) {
      stage.replay_with(
          [] { return test::fake_graph_memory(0); },
          [this](const std::string& reason) { warnings.push_back(reason); });
    }
  }
  std::vector<std::string> warnings;

  /// Runs a step of microbatches 0 and 1, both in flight at once.
  ///
  /// returns  outputs, and states and gradients after it
  std::vector<at::Tensor> step(int number, bool in_halves, int rows = 4) {
    std::vector<at::Tensor> recorded;
    for (const int microbatch : {0, 1}) {
      Message message;
      for (Stage& stage : stages_) {
        message = forward(stage, microbatch, message, number, rows, recorded);
      }
    }
    for (const int microbatch : {0, 1}) {
      backward(microbatch, in_halves);
    }
    for (Stage& stage : stages_) {
      record_and_update(stage, recorded);
    }
    return recorded;
  }

  /// Moves the gradients to other memory.
  void move_gradients() {
    for (Stage& stage : stages_) {
      for (StageState& state : stage.states()) {
        if (at::Tensor& gradient = state.tensor.mutable_grad();
            gradient.defined()) {
          gradient = gradient.clone();
        }
      }
    }
  }

 private:
  void add_stage(const Partition& parts, int index) {
    const ir::Graph& graph = parts.stages.at(index);
    Border border = plan_border(parts.manifest, index, outputs_);
    StagePrograms programs = compile_programs(
        graph, border, std::nullopt, "test", {}, test::fake_device());
    const std::vector<at::Tensor> tensors =
        map_states(graph, model_.records, *model_.archive, true);
    std::vector<StageState> states;
    for (size_t i = 0; i < tensors.size(); ++i) {
      const ir::State& state = graph.states[i];
      states.push_back(
          {state.fqn,
           {},
           state.kind,
           true,
           tensors[i]
               .detach()
               .to(test::fake_device())
               .set_requires_grad(tensors[i].requires_grad())});
    }
    stages_.emplace_back(
        index, std::move(border), std::move(programs), std::move(states));
  }

  Message forward(
      Stage& stage,
      int microbatch,
      const Message& previous,
      int number,
      int rows,
      std::vector<at::Tensor>& recorded) {
    UserInputs inputs;
    for (const EntryPoint& entry : stage.border().entries) {
      if (entry.from == EntryPoint::From::User) {
        inputs[entry.name] = values_of(
            entry, rows, static_cast<uint64_t>(10 * number + microbatch));
      }
    }
    OutputsCallback take;
    if (&stage == &stages_.back()) {
      take = [&](const ModelOutputs& outputs) {
        at::Tensor loss;
        for (const auto& [name, output] : outputs) {
          recorded.push_back(output.detach());
          const at::Tensor part = output.square().sum();
          loss = loss.defined() ? loss.add(part) : part;
        }
        return loss;
      };
    }
    return stage
        .forward(
            microbatch,
            previous,
            inputs,
            {1, number, microbatch},
            Pass::Train,
            take)
        .to_next;
  }

  void backward(int microbatch, bool in_halves) {
    Message message;
    for (size_t i = stages_.size(); i-- > 0;) {
      message = in_halves ? stages_[i].backward_input(microbatch, message)
                          : stages_[i].backward(microbatch, message);
    }
    for (Stage& stage : stages_) {
      if (in_halves) {
        stage.backward_weight(microbatch);
      }
    }
  }

  static void record_and_update(
      Stage& stage, std::vector<at::Tensor>& recorded) {
    const c10::AutoGradMode no_gradients(false);
    for (StageState& state : stage.states()) {
      recorded.push_back(state.tensor.detach().clone());
      at::Tensor& gradient = state.tensor.mutable_grad();
      if (gradient.defined()) {
        recorded.push_back(gradient.clone());
        state.tensor.sub_(gradient, 0.01);
        gradient.zero_();
      }
    }
  }

  Model model_;
  WantedOutputs outputs_;
  std::vector<Stage> stages_;
};

/// While it exists, the calling thread computes on a fake device.
class OnDevice {
  RankDevice device_{test::fake_plugin(), 0};
  ComputeOn compute_on_{device_};
};

/// Two copies of a pipeline, one of which is replayed.
struct Comparison {
  explicit Comparison(const std::string& fixture)
      : plain(fixture), replayed(fixture) {
    replayed.replay();
  }

  void expect_same_step(int number, bool in_halves, int rows = 4) {
    const auto expected = plain.step(number, in_halves, rows);
    const auto actual = replayed.step(number, in_halves, rows);
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < actual.size(); ++i) {
      EXPECT_TRUE(actual[i].cpu().equal(expected[i].cpu()))
          << "step " << number << ", tensor " << i;
    }
  }

  Pipeline plain;
  Pipeline replayed;
};

using Row = std::tuple<std::string, bool>;

struct Replayed : ::testing::TestWithParam<Row> {};

TEST_P(Replayed, GivesTheSameBits) {
  const auto& [fixture, in_halves] = GetParam();
  test::take_faults();
  const OnDevice on_device;
  Comparison comparison(fixture);
  const size_t before = test::num_replays();
  for (int step = 0; step < 4; ++step) {
    comparison.expect_same_step(step, in_halves);
  }
  EXPECT_EQ(comparison.replayed.warnings, std::vector<std::string>());
  // Three steps with two microbatches each; the first stage has no input half.
  EXPECT_EQ(test::num_replays() - before, 3 * 2 * (in_halves ? 5 : 4));
  EXPECT_EQ(test::take_faults(), std::vector<std::string>());
}

INSTANTIATE_TEST_SUITE_P(
    Device,
    Replayed,
    ::testing::Combine(
        ::testing::Values(
            "buffers",
            "counter",
            "counter-functional",
            "in-place",
            "llama",
            "no-grad",
            "tied-gpt"),
        ::testing::Bool()),
    [](const auto& row) {
      std::string name = std::get<0>(row.param);
      std::erase(name, '-');
      return name + (std::get<1>(row.param) ? "InHalves" : "");
    });

TEST(Replay, AlsoReplaysOtherSizes) {
  const OnDevice on_device;
  Comparison comparison("buffers");
  const size_t before = test::num_replays();
  for (int step = 0; step < 6; ++step) {
    const int rows = step % 2 == 0 ? 4 : 3;
    comparison.expect_same_step(step, false, rows);
  }
  EXPECT_EQ(test::num_replays() - before, 4 * 2 * 4);
}

TEST(Replay, ReplaysTheFirstOfManySizes) {
  const OnDevice on_device;
  std::vector<std::string> warnings;
  Replay replay(
      [] { return test::fake_graph_memory(0); },
      [&](const std::string& reason) { warnings.push_back(reason); });
  const auto work = [](std::vector<c10::IValue> inputs) {
    return ProgramRun{{{inputs.at(0).toTensor().mul(2)}, {}}, {}, nullptr};
  };
  const size_t before = test::num_replays();
  for (const int pass : {1, 2}) {
    for (int size = 1; size <= 12; ++size) {
      const at::Tensor x = at::full({size}, pass).to(test::fake_device());
      const at::Tensor y =
          replay.infer({x}, {}, work).result.outputs.at(0).toTensor();
      EXPECT_TRUE(y.cpu().equal(at::full({size}, 2 * pass)));
    }
  }
  EXPECT_EQ(test::num_replays() - before, 8);
  EXPECT_EQ(
      warnings,
      std::vector<std::string>{"got inputs of more than 8 different sizes; "
                               "only the first 8 have CUDA graphs"});
}

TEST(Replay, FollowsGradientsThatMoveAndStopsIfTheyKeepMoving) {
  const OnDevice on_device;
  Comparison comparison("buffers");
  for (int step = 0; step < 12; ++step) {
    comparison.expect_same_step(step, false);
    comparison.replayed.move_gradients();
  }
  const std::string reason =
      "runs without CUDA graphs: the memory of parameters or gradients moves "
      "from step to step";
  EXPECT_EQ(
      comparison.replayed.warnings, (std::vector<std::string>{reason, reason}));
}

TEST(Replay, WhatCantBeCapturedRunsNormally) {
  const OnDevice on_device;
  std::vector<std::string> warnings;
  Replay replay(
      [] { return test::fake_graph_memory(0); },
      [&](const std::string& reason) { warnings.push_back(reason); });
  const at::Tensor weight = at::ones({2}).to(test::fake_device());
  const std::vector<at::Tensor> states = {weight};
  const auto work = [&](std::vector<c10::IValue> inputs) {
    const at::Tensor x = inputs.at(0).toTensor();
    const double sum = x.sum().item<double>();  // waits for the device
    return ProgramRun{{{x.mul(weight).mul(sum)}, {}}, {}, nullptr};
  };
  for (int i = 1; i <= 3; ++i) {
    const at::Tensor x = at::full({2}, i).to(at::kFloat);
    const ProgramRun run =
        replay.infer({x.to(test::fake_device())}, states, work);
    EXPECT_TRUE(run.result.outputs.at(0).toTensor().cpu().equal(
        x.mul(static_cast<double>(2 * i))));
  }
  ASSERT_EQ(warnings.size(), 1);
  EXPECT_NE(
      warnings[0].find("item: operation not permitted"), std::string::npos)
      << warnings[0];
}

TEST(Replay, AnInferenceNeedsOneGraph) {
  const OnDevice on_device;
  int num_captures = 0;
  Replay replay(
      [&] {
        ++num_captures;
        return test::fake_graph_memory(0);
      },
      [](const std::string&) { FAIL(); });
  const auto work = [](std::vector<c10::IValue> inputs) {
    return ProgramRun{
        {{inputs.at(0).toTensor().mul(inputs.at(1).toInt())}, {}}, {}, nullptr};
  };
  std::vector<at::Tensor> kept;
  for (int i = 0; i < 5; ++i) {
    const at::Tensor x = at::full({2}, i).to(test::fake_device());
    kept.push_back(
        replay.infer({x, 3}, {}, work).result.outputs.at(0).toTensor());
  }
  EXPECT_EQ(num_captures, 1);
  // Another number needs another graph.
  const at::Tensor x = at::ones({2}).to(test::fake_device());
  for (int i = 0; i < 2; ++i) {
    kept.push_back(
        replay.infer({x, 5}, {}, work).result.outputs.at(0).toTensor());
  }
  EXPECT_EQ(num_captures, 2);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(kept[i].cpu()[0].item<double>(), 3 * i);
  }
  EXPECT_EQ(kept[6].cpu()[0].item<double>(), 5);
}

}  // namespace
}  // namespace pp
