#pragma once

#include <cstdint>
#include <vector>

#include "runtime/measure/program_runs.h"
#include "splitter/partition.h"

namespace pp {

/// The stages of a model in one process, run one after the other on its sample
/// inputs and timed.
class StageRuns {
 public:
  /// The model and what `partition` made of it.
  StageRuns(const Model& model, const Partition& parts);

  /// Runs the chain once. counts: whether its times may become the best.
  void pass(bool counts);

  /// The fastest forward of each stage, nanoseconds.
  const std::vector<uint64_t>& best_ns() const { return best_ns_; }

 private:
  /// Where an argument comes from: the stage before, by position, or the user.
  struct Source {
    bool from_user = false;
    size_t index = 0;
  };
  std::vector<c10::IValue> user_;
  std::vector<ProgramRuns> stages_;
  std::vector<std::vector<Source>> sources_;
  std::vector<uint64_t> best_ns_;
};

}  // namespace pp
