#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "runtime/data/output_writer.h"

namespace pp {

/// Writes the model outputs that a training run was asked to save, in the order
/// of the rows, whatever order the schedule computes them in.
class SavedOutputs {
 public:
  SavedOutputs(
      std::filesystem::path path,
      std::map<std::string, OutputRule> rules,
      std::vector<std::string> names)
      : folder_(path.parent_path()),
        names_(std::move(names)),
        writer_(std::move(path), std::move(rules)) {}

  /// Keeps the outputs of one microbatch until end_step().
  void add(
      int microbatch,
      int64_t num_rows,
      const std::map<std::string, at::Tensor>& outputs);
  /// Writes the outputs of the step's microbatches.
  /// throws  what OutputWriter::add() throws
  void end_step();
  /// Completes the file.
  /// throws  Error(Runtime): the file can't be written
  void finish();

 private:
  struct MicrobatchOutputs {
    int64_t num_rows = 0;
    std::map<std::string, at::Tensor> values;  ///< by name
  };
  std::filesystem::path folder_;
  std::vector<std::string> names_;
  OutputWriter writer_;
  /// Outputs of each microbatch of the step.
  std::map<int, MicrobatchOutputs> step_;
};

}  // namespace pp
