#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "runtime/data/output_writer.h"

namespace pp {

/// The model outputs that a training run was asked to save: those of every
/// step, in the order of its rows, whatever order the schedule makes them in.
class KeptOutputs {
 public:
  KeptOutputs(
      std::filesystem::path path,
      std::map<std::string, OutputRule> rules,
      std::vector<std::string> names)
      : folder_(path.parent_path()),
        names_(std::move(names)),
        writer_(std::move(path), std::move(rules)) {}

  void take(
      int microbatch,
      int64_t num_rows,
      const std::map<std::string, at::Tensor>& outputs);
  /// Writes what the step's microbatches gave.
  /// throws as OutputWriter::add
  void end_step();
  /// throws Error(Runtime): the disk
  void finish();

 private:
  struct Kept {
    int64_t num_rows = 0;
    std::map<std::string, at::Tensor> values;
  };
  std::filesystem::path folder_;
  std::vector<std::string> names_;
  OutputWriter writer_;
  std::map<int, Kept> step_;  ///< by microbatch
};

}  // namespace pp
