// Compares the memory that the dry run predicts with what a run allocates, and
// checks what the halves of a split backward leave allocated. Bytes are counted
// as LibTorch reports them, so the numbers are the same on every machine.

#include <filesystem>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <ATen/ops/full.h>

#include "runtime/launch/launch.h"
#include "runtime/measure/allocations.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/run/dry_run.h"
#include "runtime/training/trainer.h"
#include "tests/support/paths.h"

namespace pp {
namespace {

struct Row {
  const char* schedule;
  int stages;
  const char* recompute = "false";
};

std::string name_of(const Row& row) {
  return std::string(row.schedule) + (row.recompute == std::string("false") ? ""
                                      : row.recompute == std::string("true")
                                          ? "Recomputed"
                                          : "BlocksRecomputed");
}

std::string folder_of(const Row& row) {
  return testing::TempDir() + "pp_memory_" + name_of(row);
}

/// A GPT of 8 blocks with d=64, 16 tokens and 8 rows per microbatch.
std::shared_ptr<const Plan> gpt_plan(const Row& row) {
  std::string cuts;
  for (int i = 1; i < row.stages; ++i) {
    cuts += (i > 1 ? ", " : "") +
            ("\"layers." + std::to_string(8 * i / row.stages)) + "\"";
  }
  const std::string fixtures = test::fixture_folder().string();
  const std::string data =
      "{ path = \"" + fixtures + "/demo/train.npy\", window = 16";
  return make_plan(
      parse_job(
          "[model]\npath = \"" + fixtures + "/tiny-gpt.pt2\"\n[split]\nat = [" +
              cuts +
              "]\n[pipeline]\nranks = 2\nmicrobatches = 8\nschedule = \"" +
              row.schedule + "\"\nrecompute = " + row.recompute +
              "\n[data]\nbatch_size = 64\ninputs.tokens = " + data +
              " }\ntarget = " + data +
              ", shift = 1 }\n[train]\nsteps = 3\nloss = { name = "
              "\"cross_entropy\" }\noptimizer = { name = \"adamw\", lr = 1e-3 "
              "}\n[output]\ndir = \"" +
              folder_of(row) + "\"\n",
          "job.toml",
          "."),
      std::nullopt);
}

class DryRun : public testing::TestWithParam<Row> {};

TEST_P(DryRun, PredictsThePeakOfEveryRankWithinATenth) {
  const Row& row = GetParam();
  const auto plan = gpt_plan(row);
  const PlanProbe probe = probe_plan(*plan, 0);
  const auto ledger = std::make_shared<AllocationLedger>(plan->num_ranks);
  launch_local(plan->num_ranks, {}, [&](RankContext& context) {
    const AllocationWatch watch(ledger, context.rank);
    train(*plan, context, {});
  });
  for (int rank = 0; rank < plan->num_ranks; ++rank) {
    const RankMemory memory =
        rank_memory(*plan, probe, rank, LauncherKind::Local);
    // Weights are mapped from the file, not allocated.
    const auto predicted = static_cast<double>(memory.peak() - memory.weights);
    const auto measured = static_cast<double>(ledger->peak(rank));
    RecordProperty(
        "rank" + std::to_string(rank), std::to_string(measured / predicted));
    EXPECT_NEAR(measured / predicted, 1, 0.1)
        << "rank " << rank << ": predicted " << predicted
        << " bytes, allocated " << measured;
    if (row.recompute == std::string("false")) {
      EXPECT_GT(memory.held.activations, memory.gradients)
          << "the test says nothing if activations are small";
    }
  }
  std::filesystem::remove_all(folder_of(row));
}

INSTANTIATE_TEST_SUITE_P(
    Schedules,
    DryRun,
    testing::Values(
        Row{"GPipe", 2},
        Row{"1F1B", 2},
        Row{"Interleaved1F1B", 4},
        Row{"ZBVZeroBubble", 4},
        Row{"GPipe", 2, "true"},
        Row{"ZBVZeroBubble", 4, "true"},
        Row{"1F1B", 2, "[\"layers.*\"]"}),
    [](const auto& row) { return "On" + name_of(row.param); });

TEST(Recompute, KeepsOnlyTheStagesInputs) {
  std::map<std::string, StageMemory> first;
  std::map<std::string, StageMemory> last;
  for (const char* recompute : {"false", "true"}) {
    const auto plan = gpt_plan({"GPipe", 2, recompute});
    const PlanProbe probe = probe_plan(*plan, 0);
    first[recompute] = probe.memory[0];
    last[recompute] = probe.memory[1];
  }
  for (const auto* stage : {&first, &last}) {
    const StageMemory& kept = stage->at("false");
    const StageMemory& recomputed = stage->at("true");
    EXPECT_GT(kept.kept, 1000000);
    EXPECT_LT(recomputed.kept, 1000) << "it keeps little besides its inputs";
    EXPECT_EQ(recomputed.input, kept.input);
    // During its backward it holds one microbatch.
    EXPECT_LE(
        recomputed.backward_work, kept.kept + kept.backward_work + kept.output);
  }
  EXPECT_EQ(last["true"].kept_for_weight, last["false"].kept_for_weight);
  // The first stage sends no gradient back, so its whole backward is W,
  // including the recomputation.
  EXPECT_LT(first["true"].kept_for_weight, 100000);
  EXPECT_GT(first["false"].kept_for_weight, 1000000);
}

TEST(SplitBackward, LiveMemoryFallsAfterW) {
  const auto plan = gpt_plan({"1F1B", 2});
  const auto ledger = std::make_shared<AllocationLedger>();
  const AllocationWatch watch(ledger);
  RankStages stages(plan->source, {1}, stage_options(*plan));
  Stage& stage = stages.stages().at(1);
  Message activation;
  activation.tensors.push_back(at::full({8, 16, 64}, 0.5));
  activation.requires_grad.push_back(1);
  const auto forward = [&] {
    stage.forward(
        0, activation, {}, {1, 0, 0}, Pass::Train, [](const auto& outputs) {
          return outputs.begin()->second.square().mean();
        });
  };
  forward();
  stage.backward(0, {});  // allocates the gradients
  const int64_t before = ledger->live();
  forward();
  stage.backward_input(0, {});
  const int64_t between = ledger->live();
  stage.backward_weight(0);
  EXPECT_LT(ledger->live(), between);
  EXPECT_EQ(ledger->live(), before) << "nothing of the microbatch is left";
}

}  // namespace
}  // namespace pp
