// Two stages, their passes replayed as graphs of the fake device, beside the
// same stages as ever: outputs, gradients and what the programs write are the
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
#include "runtime/stage/stage.h"
#include "runtime/stage/states.h"
#include "splitter/partition.h"
#include "tests/device/fake_device.h"
#include "tests/device/fake_graph.h"
#include "tests/support/paths.h"

namespace pp {
namespace {

/// Values of an input's type, the same for the same seed.
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

/// A fixture in two stages on the fake device.
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
          [this](const std::string& reason) { refused.push_back(reason); });
    }
  }
  std::vector<std::string> refused;

  /// A step of microbatches 0 and 1, both under way at once.
  ///
  /// returns  everything that can be seen of it
  std::vector<at::Tensor> step(int number, bool in_halves, int rows = 4) {
    std::vector<at::Tensor> seen;
    for (const int microbatch : {0, 1}) {
      Message message;
      for (Stage& stage : stages_) {
        message = forward(stage, microbatch, message, number, rows, seen);
      }
    }
    for (const int microbatch : {0, 1}) {
      backward(microbatch, in_halves);
    }
    for (Stage& stage : stages_) {
      see_and_update(stage, seen);
    }
    return seen;
  }

  /// Moves gradients and states elsewhere, the same values.
  void move() {
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
    Stage::Programs programs = compile_programs(
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
      std::vector<at::Tensor>& seen) {
    UserInputs inputs;
    for (const EntryPoint& entry : stage.border().entries) {
      if (entry.from == EntryPoint::From::User) {
        inputs[entry.name] = values_of(
            entry, rows, static_cast<uint64_t>(10 * number + microbatch));
      }
    }
    OutputsTaker take;
    if (&stage == &stages_.back()) {
      take = [&](const ModelOutputs& outputs) {
        at::Tensor loss;
        for (const auto& [name, output] : outputs) {
          seen.push_back(output.detach());
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

  static void see_and_update(Stage& stage, std::vector<at::Tensor>& seen) {
    const c10::AutoGradMode no_gradients(false);
    for (StageState& state : stage.states()) {
      seen.push_back(state.tensor.detach().clone());
      at::Tensor& gradient = state.tensor.mutable_grad();
      if (gradient.defined()) {
        seen.push_back(gradient.clone());
        state.tensor.sub_(gradient, 0.01);
        gradient.zero_();
      }
    }
  }

  Model model_;
  WantedOutputs outputs_;
  std::vector<Stage> stages_;
};

/// The calling thread computes on a fake device.
class OnDevice {
  RankDevice device_{test::fake_plugin(), 0};
  ComputeOn compute_on_{device_};
};

/// The same pipeline twice, one of them replayed.
struct Beside {
  explicit Beside(const std::string& fixture)
      : as_ever(fixture), replayed(fixture) {
    replayed.replay();
  }

  void expect_same_step(int number, bool in_halves, int rows = 4) {
    const auto wanted = as_ever.step(number, in_halves, rows);
    const auto got = replayed.step(number, in_halves, rows);
    ASSERT_EQ(got.size(), wanted.size());
    for (size_t i = 0; i < got.size(); ++i) {
      EXPECT_TRUE(got[i].cpu().equal(wanted[i].cpu()))
          << "step " << number << ", tensor " << i;
    }
  }

  Pipeline as_ever;
  Pipeline replayed;
};

using Row = std::tuple<std::string, bool>;

struct Replayed : ::testing::TestWithParam<Row> {};

TEST_P(Replayed, GivesTheSameBits) {
  const auto& [fixture, in_halves] = GetParam();
  test::take_faults();
  const OnDevice on_device;
  Beside beside(fixture);
  const size_t before = test::num_replays();
  for (int step = 0; step < 4; ++step) {
    beside.expect_same_step(step, in_halves);
  }
  EXPECT_EQ(beside.replayed.refused, std::vector<std::string>());
  // Three steps of two microbatches; the first stage has one half.
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

TEST(Replay, TakesOtherSizesToo) {
  const OnDevice on_device;
  Beside beside("buffers");
  const size_t before = test::num_replays();
  for (int step = 0; step < 6; ++step) {
    const int rows = step % 2 == 0 ? 4 : 3;
    beside.expect_same_step(step, false, rows);
  }
  EXPECT_EQ(test::num_replays() - before, 4 * 2 * 4);
}

TEST(Replay, OfManySizesTheFirst) {
  const OnDevice on_device;
  std::vector<std::string> refused;
  Replay replay(
      [] { return test::fake_graph_memory(0); },
      [&](const std::string& reason) { refused.push_back(reason); });
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
      refused,
      std::vector<std::string>{"has inputs of more than 8 sizes; those that "
                               "came first have CUDA graphs"});
}

TEST(Replay, FollowsGradientsThatMoveAndGivesUpIfTheyAlwaysDo) {
  const OnDevice on_device;
  Beside beside("buffers");
  for (int step = 0; step < 12; ++step) {
    beside.expect_same_step(step, false);
    beside.replayed.move();
  }
  const std::string reason =
      "runs without CUDA graphs: the memory of parameters or gradients moves "
      "from step to step";
  EXPECT_EQ(
      beside.replayed.refused, (std::vector<std::string>{reason, reason}));
}

TEST(Replay, WhatCantBeCapturedRunsAsEver) {
  const OnDevice on_device;
  std::vector<std::string> refused;
  Replay replay(
      [] { return test::fake_graph_memory(0); },
      [&](const std::string& reason) { refused.push_back(reason); });
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
  ASSERT_EQ(refused.size(), 1);
  EXPECT_NE(refused[0].find("item: operation not permitted"), std::string::npos)
      << refused[0];
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
  // Another number is another graph.
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
