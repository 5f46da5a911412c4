#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>

#include "loader/archive/safetensors.h"
#include "runtime/job/job.h"

namespace pp {

/// One output of the model over a run. It joins the microbatches' values as
/// they are added.
class JoinedOutput {
 public:
  virtual ~JoinedOutput() = default;

  /// Adds the value of the next microbatch.
  ///
  /// value   contiguous, on the CPU; its bytes are copied
  /// throws  Error(Usage): it can't be joined with the earlier ones, or differs
  ///         from them under `join = "same"`; the message offers another join
  virtual void add(const at::Tensor& value, int64_t num_rows) = 0;

  /// Returns the joined tensor, whose memory this object owns. Called once.
  virtual TensorSource finish() = 0;
};

/// Makes the output for a rule. If `rule.join` is unset, values are
/// concatenated along dimension 0, and scalars are averaged. A mean is weighted
/// by rows, so the mean of the microbatches' means is that of the batch.
///
/// Results that grow with the number of microbatches go to a temporary file
/// next to `path`, unless they are joined along a dimension other than 0; those
/// stay in memory.
///
/// name    used in messages
/// first   the first value, or a value of the same shape and type
/// throws  Error(Usage): the rule names a dimension that the value doesn't have
std::unique_ptr<JoinedOutput> join_output(
    const std::string& name,
    const OutputRule& rule,
    const at::Tensor& first,
    const std::filesystem::path& path);

/// Returns the part of a microbatch's value that `rule.reduce` keeps.
///
/// throws  Error(Usage): the value has no such dimension
at::Tensor reduced(
    const std::string& name, Reduce reduce, const at::Tensor& value);

/// The rows of a microbatch: its own, and the padding that fills it.
struct RowCount {
  int64_t own = 0;
  int64_t padding = 0;
};

/// Says why the padding's part of a value can't be cut off; empty if it can. It
/// can along the dimension of the join, if that has one entry per row. A value
/// that all microbatches have in common has no part to cut off.
std::string try_find_obstacle(
    const OutputRule& rule, const at::Tensor& reduced, RowCount rows);

/// Returns the part of a value that belongs to a microbatch's own rows. The
/// value must have no obstacle.
at::Tensor without_padding(
    const OutputRule& rule, const at::Tensor& reduced, RowCount rows);

}  // namespace pp
