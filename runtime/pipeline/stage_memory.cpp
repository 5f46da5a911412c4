#include "runtime/pipeline/stage_memory.h"

namespace pp {

namespace {

constexpr int kNobody = 0;

std::map<int, int> owners_of(const std::map<int, Stage>& stages) {
  std::map<int, int> owners;
  int next = kNobody + 1;
  for (const auto& [index, stage] : stages) {
    owners.emplace(index, next++);
  }
  return owners;
}

}  // namespace

StageMemory::StageMemory(const std::map<int, Stage>& stages, c10::Device device)
    : device_(device),
      owners_(owners_of(stages)),
      ledger_(std::make_shared<AllocationLedger>(
          static_cast<int>(stages.size()) + 1)),
      unassigned_(ledger_, kNobody, device.type()) {
  for (const auto& [index, stage] : stages) {
    for (const StageState& state : stage.states()) {
      ledger_->allocated(
          owners_.at(index),
          state.tensor.const_data_ptr(),
          static_cast<int64_t>(state.tensor.nbytes()));
    }
  }
}

void StageMemory::begin(int stage) {
  of_stage_.emplace(ledger_, owners_.at(stage), device_.type());
}

void StageMemory::end() {
  of_stage_.reset();
}

std::map<int, int64_t> StageMemory::peaks() const {
  std::map<int, int64_t> peaks;
  for (const auto& [stage, owner] : owners_) {
    peaks.emplace(stage, ledger_->peak(owner));
  }
  return peaks;
}

}  // namespace pp
