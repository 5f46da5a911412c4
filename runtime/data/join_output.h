#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>

#include "loader/archive/safetensors.h"
#include "runtime/job/job.h"

namespace pp {

/// One output of the model over a run: its microbatches' values, joined as
/// they come.
class JoinedOutput {
 public:
  virtual ~JoinedOutput() = default;

  /// value  contiguous, on the CPU; not kept, but for its bytes
  /// throws Error(Usage): it can't be joined with those before, or is not the
  ///        same under `join = "same"`; the message offers another join
  virtual void add(const at::Tensor& value, int64_t num_rows) = 0;

  /// The joined tensor, which lives as long as this does. Called once.
  virtual TensorSource finish() = 0;
};

/// Defaults (`rule.join` unset): concatenated along dimension 0; a scalar's
/// mean. A mean is weighted by rows, so that the mean of microbatches' means
/// is that of the batch.
///
/// What grows with the number of microbatches goes to a temporary file beside
/// `path`; only a join along another dimension than 0 stays in memory.
///
/// name    for messages
/// first   what the first value looks like
/// throws  Error(Usage): the rule asks for a dimension that it has not
std::unique_ptr<JoinedOutput> join_output(
    const std::string& name,
    const OutputRule& rule,
    const at::Tensor& first,
    const std::filesystem::path& path);

/// What `rule.reduce` keeps of a microbatch's value.
/// throws Error(Usage): the value has no such dimension
at::Tensor reduced(
    const std::string& name, Reduce reduce, const at::Tensor& value);

}  // namespace pp
