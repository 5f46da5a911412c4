#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "runtime/job/job.h"

namespace pp {

/// Gathers the outputs of microbatches, in any order, and joins them.
///
/// Defaults (OutputRule::join unset): concatenated along dimension 0; a
/// scalar's mean. A mean is weighted by rows, so that the mean of microbatches'
/// means is that of the batch. `reduce` is applied to each microbatch as it
/// comes: only what is kept stays in memory.
class OutputMerger {
 public:
  explicit OutputMerger(std::map<std::string, OutputRule> rules)
      : rules_(std::move(rules)) {}

  /// Keeps one microbatch's value of an output, detached, on the CPU.
  /// throws Error(Usage): the rule asks for a dimension that it has not
  void add(
      const std::string& name,
      int64_t step,
      int microbatch,
      int64_t num_rows,
      const at::Tensor& value);

  /// The joined outputs by name.
  /// throws Error(Usage): values that can't be joined as asked, or are not the
  ///        same under `join = "same"`; the message offers another join
  std::map<std::string, at::Tensor> merge() const;

 private:
  struct Part {
    at::Tensor value;
    int64_t num_rows = 0;
  };
  using Position = std::pair<int64_t, int>;  // step, microbatch

  std::map<std::string, OutputRule> rules_;
  std::map<std::string, std::map<Position, Part>> parts_;
};

/// Writes tensors by name into one .safetensors file, atomically.
/// throws Error(Runtime): the disk
void write_outputs(
    const std::filesystem::path& path,
    const std::map<std::string, at::Tensor>& outputs);

}  // namespace pp
