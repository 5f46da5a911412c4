#include "runtime/checkpoint/resume.h"

#include "tests/support/tensors.h"

namespace pp {
namespace {

using Contract = std::map<std::string, std::string>;

Contract contract_of(const TrainConfig& train) {
  return resume_contract(train, "output", 16, "rows in order");
}

TEST(ResumeContract, HasTheDecayOfTheAverages) {
  TrainConfig train;
  const CheckpointState without{.job = contract_of(train)};
  train.optimizer.ema_decay = 0.7;
  const CheckpointState with{.job = contract_of(train)};
  check_resume_contract(contract_of(train), with, "step_4");
  expect_error(
      ErrorKind::Usage,
      {"step_4", "train.ema.decay = none, but the job has 0.7"},
      [&] { check_resume_contract(contract_of(train), without, "step_4"); });
  train.optimizer.ema_decay = 0.9;
  expect_error(
      ErrorKind::Usage, {"train.ema.decay = 0.7, but the job has 0.9"}, [&] {
        check_resume_contract(contract_of(train), with, "step_4");
      });
}

TEST(ResumeContract, AcceptsACheckpointThatLacksAnEntry) {
  TrainConfig train;
  train.optimizer.ema_decay = 0.7;
  CheckpointState older{.job = contract_of(train)};
  EXPECT_EQ(older.job.erase("ema_decay"), 1U);
  check_resume_contract(contract_of(train), older, "step_4");
}

}  // namespace
}  // namespace pp
