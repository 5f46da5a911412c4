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

/// Writes a run's outputs to a `.safetensors` file as they are computed,
/// microbatch by microbatch, joined as their rules say (join_output). Memory
/// use doesn't grow with the number of microbatches, except for outputs that
/// join_output() keeps in memory. The complete file appears at finish();
/// without finish() there is no file.
class OutputWriter {
 public:
  OutputWriter(
      std::filesystem::path path, std::map<std::string, OutputRule> rules);

  /// Adds an output's value for the next microbatch, without the part that
  /// belongs to padding rows. try_find_obstacle() must return "" for the value.
  ///
  /// throws  Error(Usage): the values can't be joined, see join_output() and
  ///         JoinedOutput; Error(Runtime): the file can't be written
  void add(const std::string& name, RowCount rows, const at::Tensor& value);

  /// Completes the file.
  /// throws  Error(Runtime): the file can't be written
  void finish() { finish_as(path_); }
  /// Does what finish() does, with another path and with metadata.
  void finish_as(
      const std::filesystem::path& path,
      const std::map<std::string, std::string>& metadata = {});

 private:
  std::filesystem::path path_;
  std::map<std::string, OutputRule> rules_;
  std::map<std::string, std::unique_ptr<JoinedOutput>> outputs_;
};

/// Writes tensors, by name, to one .safetensors file, atomically.
///
/// throws  Error(Runtime): writing fails
void write_outputs(
    const std::filesystem::path& path,
    const std::map<std::string, at::Tensor>& outputs);

}  // namespace pp
