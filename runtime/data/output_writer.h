#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>

#include "runtime/data/join_output.h"
#include "runtime/job/job.h"

namespace pp {

/// Writes a run's outputs to a `.safetensors` file while they are computed,
/// microbatch by microbatch, joined by their rules (join_output). Memory use
/// doesn't grow with the number of microbatches. The complete file appears at
/// finish(); without finish() there is no file.
class OutputWriter {
 public:
  OutputWriter(
      std::filesystem::path path, std::map<std::string, OutputRule> rules);

  /// Adds the next microbatch's value of an output, without the part that
  /// belongs to its padding. That part must have no obstacle
  /// (try_find_obstacle).
  ///
  /// throws  Error(Usage): the values can't be joined, see join_output() and
  ///         JoinedOutput; Error(Runtime): writing fails
  void add(const std::string& name, RowCount rows, const at::Tensor& value);

  /// throws  Error(Runtime): writing fails
  void finish() { finish_as(path_); }
  /// Like finish(), under another name and with metadata.
  void finish_as(
      const std::filesystem::path& path,
      const std::map<std::string, std::string>& metadata = {});

 private:
  std::filesystem::path path_;
  std::map<std::string, OutputRule> rules_;
  std::map<std::string, std::unique_ptr<JoinedOutput>> outputs_;
};

/// Writes tensors by name to one .safetensors file, atomically.
///
/// throws  Error(Runtime): writing fails
void write_outputs(
    const std::filesystem::path& path,
    const std::map<std::string, at::Tensor>& outputs);

}  // namespace pp
