#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>

#include "loader/archive/safetensors.h"
#include "runtime/job/job.h"

namespace pp {

/// Joins the microbatches' values of one output of the model into one tensor,
/// as they are added.
class JoinedOutput {
 public:
  virtual ~JoinedOutput() = default;

  /// Adds the value of the next microbatch.
  ///
  /// value   a contiguous tensor on the CPU; its bytes are copied
  /// throws  Error(Usage): the value can't be joined with the earlier ones or,
  ///         under `join = "same"`, differs from them; the message suggests
  ///         another join
  virtual void add(const at::Tensor& value, int64_t num_rows) = 0;

  /// Returns the joined tensor, whose memory this object owns. Call it once.
  virtual TensorSource finish() = 0;
};

/// Makes the object that joins an output as `rule` says. If `rule.join` is
/// unset, values are concatenated along dimension 0, and scalars are averaged.
/// A mean is weighted by rows, so that it is the mean of the whole batch.
///
/// Results that grow with the number of microbatches are kept in a temporary
/// file next to `path`, except those that are joined along a dimension other
/// than 0, which stay in memory.
///
/// name    the output's name, for messages
/// first   the first value, or any value of the same shape and type
/// throws  Error(Usage): the rule names a dimension that the value doesn't have
std::unique_ptr<JoinedOutput> join_output(
    const std::string& name,
    const OutputRule& rule,
    const at::Tensor& first,
    const std::filesystem::path& path);

/// Applies an output's `reduce` rule to the value of one microbatch.
///
/// throws  Error(Usage): the dimension to reduce is missing or empty
at::Tensor reduced(
    const std::string& name, Reduce reduce, const at::Tensor& value);

/// The number of a microbatch's own rows, and of the padding rows that fill it.
struct RowCount {
  int64_t own = 0;
  int64_t padding = 0;
};

/// Returns why a value's entries for padding rows can't be cut off; empty if
/// they can. Cutting is possible if the dimension of the join has one entry per
/// row. A value that all microbatches have in common has no entries for padding
/// rows, so nothing needs to be cut off.
std::string try_find_obstacle(
    const OutputRule& rule, const at::Tensor& reduced, RowCount rows);

/// Returns the part of a value that belongs to a microbatch's own rows.
/// try_find_obstacle() must return "" for the value.
at::Tensor without_padding(
    const OutputRule& rule, const at::Tensor& reduced, RowCount rows);

}  // namespace pp
