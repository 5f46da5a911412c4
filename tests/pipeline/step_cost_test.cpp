// The cost of a step, measured as the number of its allocations, which is the
// same on every machine. If a limit here no longer holds, an operator, an
// action or a message has become more expensive; see benchmarks/overheads for
// times.

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "loader/ir/text.h"
#include "loader/operators/schemas.h"
#include "runtime/launch/launch.h"
#include "runtime/pipeline/executor.h"
#include "runtime/schedule/lower.h"
#include "splitter/cut/partition.h"
#include "tests/pipeline/test_stage.h"

namespace {

std::atomic<int64_t> num_allocated{0};

void* count_text(std::size_t size) {
  num_allocated.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}

}  // namespace

// LibTorch's allocations come here too, since a program's symbols come first.
void* operator new(std::size_t size) {
  return count_text(size);
}
void* operator new[](std::size_t size) {
  return count_text(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace pp {
namespace {

constexpr int kLayers = 16;

std::string layers() {
  std::string text = "input %x: float32[2, 8]\n";
  std::string calls;
  std::string last = "%x";
  for (int i = 0; i < kLayers; ++i) {
    const std::string n = std::to_string(i);
    text += "parameter l" + n + ".w = %w" + n + ": float32[8, 8] grad\n";
    calls += "%a" + n + ": float32[2, 8] = aten.linear.default(input=" + last +
             ", weight=%w" + n + ") @ l" + n + "\n%t" + n +
             ": float32[2, 8] = aten.tanh.default(self=%a" + n + ") @ l" + n +
             "\n";
    last = "%t" + n;
  }
  return text + calls + "output y = " + last + "\n";
}

/// Number of allocations of a step that has run before.
int64_t of_a_step(
    const Partition& parts, const Schedule& schedule, int num_microbatches) {
  std::map<std::string, at::Tensor> weights;
  for (int i = 0; i < kLayers; ++i) {
    weights["l" + std::to_string(i) + ".w"] = at::eye(8);
  }
  int64_t allocated = 0;
  launch_local(1, {}, [&](RankContext& context) {
    std::vector<Stage> stages;
    std::map<int, Stage*> mine;
    stages.reserve(parts.stages.size());
    for (size_t i = 0; i < parts.stages.size(); ++i) {
      const int index = static_cast<int>(i);
      stages.push_back(test::make_stage(parts, index, weights));
      mine.emplace(index, &stages.back());
    }
    Executor executor(context, schedule, mine);
    const UserInputs inputs = {{"x", at::ones({2, 8})}};
    StepInputs step;
    step.user_inputs = [&](int) -> const UserInputs& { return inputs; };
    step.on_outputs = [&](int, const ModelOutputs& outputs) {
      return outputs.at("y").sum() / num_microbatches;
    };
    std::array<int64_t, 4> counts{};
    for (int64_t& count : counts) {
      const int64_t before = num_allocated;
      executor.run(step);
      count = num_allocated - before;
    }
    EXPECT_EQ(counts[2], counts[3]);
    allocated = counts[3];
  });
  return allocated;
}

/// The layers in a number of stages, all on one rank.
int64_t of_a_step(int num_stages, int num_microbatches) {
  Model model;
  model.path = "test";
  model.graph = ir::parse_text(layers());
  annotate_effects(model.graph, "test");
  SplitSpec split;
  for (int i = 1; i < num_stages; ++i) {
    split.at.push_back({"l" + std::to_string(i * kLayers / num_stages)});
  }
  const Partition parts = partition(model, split);
  return of_a_step(
      parts,
      lower(find_schedule("GPipe").generate({1, num_stages, num_microbatches})),
      num_microbatches);
}

// A forward and a backward of two operators: the tensors, and what the tape
// keeps for each.
TEST(StepCost, ALayerOfAMicrobatch) {
  const int64_t one = of_a_step(1, 4);
  const int64_t two = of_a_step(1, 8);
  const double of_a_layer = static_cast<double>(two - one) / (4 * kLayers);
  RecordProperty("allocations", std::to_string(of_a_layer));
  EXPECT_LE(of_a_layer, 36);
}

// A cut adds two actions, two hand-overs and a tape to each microbatch.
TEST(StepCost, ACutOfAMicrobatch) {
  const int64_t whole = of_a_step(1, 8) - of_a_step(1, 4);
  const int64_t cut = of_a_step(2, 8) - of_a_step(2, 4);
  const double of_a_cut = static_cast<double>(cut - whole) / 4;
  RecordProperty("allocations", std::to_string(of_a_cut));
  EXPECT_LE(of_a_cut, 32);
}

// A step without microbatches has nothing that grows with the model.
TEST(StepCost, AStep) {
  const int64_t four = of_a_step(1, 4);
  const int64_t eight = of_a_step(1, 8);
  EXPECT_LE(four - (eight - four), 16);
}

}  // namespace
}  // namespace pp
