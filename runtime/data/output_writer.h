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

/// Writes a run's outputs into a `.safetensors` file while they are made, each
/// microbatch's after the one before it, joined by their rules (join_output).
/// Memory does not grow with the number of microbatches. The file appears
/// whole, at finish(); destroyed without it, nothing is left behind.
class OutputWriter {
 public:
  OutputWriter(
      std::filesystem::path path, std::map<std::string, OutputRule> rules);

  /// Adds the next microbatch's value of an output.
  /// throws Error(Usage) as join_output and JoinedOutput do; Error(Runtime):
  ///        the disk
  void add(const std::string& name, int64_t num_rows, const at::Tensor& value);

  /// throws Error(Runtime): the disk
  void finish();

 private:
  std::filesystem::path path_;
  std::map<std::string, OutputRule> rules_;
  std::map<std::string, std::unique_ptr<JoinedOutput>> outputs_;
};

/// Writes tensors by name into one .safetensors file, atomically.
/// throws Error(Runtime): the disk
void write_outputs(
    const std::filesystem::path& path,
    const std::map<std::string, at::Tensor>& outputs);

}  // namespace pp
