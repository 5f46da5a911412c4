#include "runtime/pipeline/executor.h"

#include <ATen/ATen.h>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "benchmarks/overheads/overheads.h"
#include "loader/ir/text.h"
#include "loader/operators/schemas.h"
#include "runtime/schedule/lower.h"
#include "splitter/cut/partition.h"

namespace pp::benchmarks {
namespace {

constexpr int kMicrobatches = 64;
constexpr int kSteps = 60;

// Two layers of hardly any work; the first is the stage under test.
constexpr std::string_view kModel =
    "input %x: float32[1, 4]\n"
    "parameter first.w = %w0: float32[4, 4] grad\n"
    "parameter second.w = %w1: float32[4, 4] grad\n"
    "%a: float32[1, 4] = aten.linear.default(input=%x, weight=%w0) @ first\n"
    "%b: float32[1, 4] = aten.linear.default(input=%a, weight=%w1) @ second\n"
    "output y = %b\n";

/// A peer that has received and answered before one looks.
class InstantPeer : public Transport {
 public:
  int rank() const override { return 0; }
  int size() const override { return 2; }
  std::unique_ptr<Pending> send(Message message, int) override {
    class Sent : public Pending {
      Message wait(std::chrono::milliseconds) override { return {}; }
    };
    sent_.push_back(message.microbatch);
    return std::make_unique<Sent>();
  }
  std::unique_ptr<Pending> recv(int) override {
    class Answer : public Pending {
     public:
      explicit Answer(Message message) : message_(std::move(message)) {}
      Message wait(std::chrono::milliseconds) override {
        return std::move(message_);
      }

     private:
      Message message_;
    };
    Message message;
    message.stage = 1;
    message.microbatch = sent_[answered_++];
    message.tensors = {gradient_};
    return std::make_unique<Answer>(std::move(message));
  }
  void interrupt(const Error&) noexcept override {}

 private:
  at::Tensor gradient_ = at::ones({1, 4});
  std::vector<int32_t> sent_;
  size_t answered_ = 0;
};

Stage first_stage(const Partition& parts) {
  Border border = plan_border(parts.manifest, 0, {"y"});
  auto programs =
      compile_programs(parts.stages[0], border, std::nullopt, "benchmark");
  std::vector<StageState> states;
  for (const ir::State& state : parts.stages[0].states) {
    states.push_back(
        {state.fqn,
         {},
         state.kind,
         true,
         at::ones({4, 4}).set_requires_grad(true)});
  }
  return {0, std::move(border), std::move(programs), std::move(states)};
}

}  // namespace

ExecutorOverhead executor_overhead() {
  Model model;
  model.path = "benchmark";
  model.graph = ir::parse_text(kModel);
  annotate_effects(model.graph, "benchmark");
  SplitSpec split;
  split.at = {{"second"}};
  const Partition parts = partition(model, split);
  const Schedule schedule =
      lower(find_schedule("1F1B").generate({2, 2, kMicrobatches}));

  InstantPeer peer;
  RankContext context;
  context.size = 2;
  context.transport = &peer;
  Activity activity;
  context.activity = &activity;
  context.check_interrupted = [] {};
  Stage stage = first_stage(parts);
  Executor executor(context, schedule, {{0, &stage}});
  const UserInputs inputs = {{"x", at::ones({1, 4})}};
  StepInputs step;
  step.user_inputs = [&](int) -> const UserInputs& { return inputs; };

  const auto actions = static_cast<int>(schedule.ranks[0].size());
  std::vector<double> outside;
  for (int i = 0; i < kSteps; ++i) {
    const StepTimes times = executor.run(step);
    outside.push_back(1e9 * (times.wall_s - times.busy_s) / actions);
  }
  return {median(outside), actions};
}

}  // namespace pp::benchmarks
