#pragma once

#include <cstdint>
#include <vector>

#include "runtime/measure/program_runs.h"
#include "splitter/cut/partition.h"

namespace pp {

/// Runs and times the stages of a model in one process, one after the other, on
/// the model's sample inputs.
class StageRuns {
 public:
  /// parts  the result of partition() on the model
  StageRuns(const Model& model, const Partition& parts);

  /// Runs all stages once, each on the results of the previous ones.
  ///
  /// counts  whether to use the pass's times; false during warm-up
  void pass(bool counts);

  /// The time of each stage's fastest forward, in nanoseconds.
  const std::vector<uint64_t>& best_ns() const { return best_ns_; }

 private:
  /// The source of a stage's argument: the user or the previous stage.
  struct Source {
    bool from_user = false;
    /// Position among the model's inputs, or in the previous stage's message.
    size_t index = 0;
  };
  std::vector<c10::IValue> user_;
  std::vector<ProgramRuns> stages_;
  std::vector<std::vector<Source>> sources_;
  std::vector<uint64_t> best_ns_;
};

}  // namespace pp
