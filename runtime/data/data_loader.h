#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "loader/core/log.h"
#include "runtime/data/batch.h"
#include "runtime/job/job.h"

namespace pp {

/// The data of one microbatch. Its tensors are contiguous. Microbatches share
/// no memory, except for inputs with split_dim = "none". In another replica's
/// microbatch, only the target is set, because the loss needs it.
struct Microbatch {
  int index = 0;
  int64_t num_rows = 0;
  /// Number of padding rows, which are copies of the last row and follow the
  /// `num_rows` rows of each input to fill a fixed batch. The target has none.
  int64_t num_padding = 0;
  /// The inputs that this rank's stages read, by name.
  std::map<std::string, at::Tensor> inputs;
  at::Tensor target;  ///< undefined if none is wanted or configured
};

struct DataLoaderOptions {
  BatchPlan plan;
  std::vector<InputSpec> inputs;  ///< every tensor that the caller passes
  /// The graph's guards, see Graph::guards.
  std::vector<std::string> guards = {};
  /// Names of the inputs that this rank's stages read; nullopt: all of them.
  std::optional<std::set<std::string>> wanted;
  bool wants_target = true;
  uint64_t seed = 0;
  int replica = 0;  ///< this rank's replica, below plan.num_replicas
  /// Whether to keep a last batch that has fewer rows than microbatches. If
  /// true, as in inference, the batch is divided into fewer microbatches than
  /// planned, of one row each; otherwise it is dropped, with a notice.
  bool keep_short_batch = false;
  /// For a model with a fixed batch: whether to fill the last microbatch with
  /// copies of its last row, as in inference and evaluation. Otherwise rows
  /// that don't fill a batch are dropped, with a notice.
  bool pads_fixed_batch = false;
  /// If true, the loader gives a single step with two microbatches to compare.
  /// Both hold the rows of the data's last microbatch. Its padding rows are
  /// copies of the last row in one of them, and zeros in the other. Set it only
  /// if the loader would pad without it, see pads().
  bool is_padding_trial = false;
  Log log;  ///< receives the notices as warnings
};

/// Reads the rows of each step from mapped files.
///
/// The rows of a step depend only on seed, epoch, step, batch size and number
/// of rows. So every rank computes the same rows without communication, and a
/// run can resume at any step. Only the rows in use are read from disk.
///
/// Files must hold numbers of the input's kind. Integers and bools are
/// converted to the input's integer or bool type, floating-point numbers to its
/// floating-point type. A target's integers are converted to int64; other
/// targets keep their type.
class DataLoader {
 public:
  /// Opens every source and checks it against the model's inputs.
  ///
  /// throws  Error(Usage): [data] is missing, an input has no source, a source
  ///         has no input, or there are fewer rows than one batch;
  ///         Error(Input): a file can't be read, a shape or dtype doesn't match
  ///         its input, the model wasn't exported for microbatches of that size
  ///         (SizeRules), or sources have different numbers of rows
  DataLoader(const DataConfig& config, DataLoaderOptions options);
  ~DataLoader();
  DataLoader(DataLoader&&) noexcept;
  DataLoader& operator=(DataLoader&&) noexcept;

  int64_t num_rows() const;
  /// Whether the last microbatch of an epoch has padding rows.
  bool pads() const;
  /// Number of steps per epoch, including a last, partial batch if it is used.
  int64_t steps_per_epoch() const;
  // Steps are counted from 0 over all epochs.

  /// Returns the number of microbatches of a step, over all replicas. It
  /// differs from the plan's number only for a short batch that is kept.
  int num_microbatches(int64_t step) const;
  /// Returns the index of this replica's first microbatch of a step, and the
  /// number of its microbatches.
  std::pair<int, int> own_microbatches(int64_t step) const;
  /// Returns the row numbers of a step, in order.
  std::vector<int64_t> rows(int64_t step) const;
  /// Reads the data of all microbatches of a step, over all replicas. Thread
  /// safe.
  std::vector<Microbatch> step(int64_t step) const;
  /// The notices that the constructor logged: they name the rows that are left
  /// out.
  const std::vector<std::string>& notices() const;
  /// Returns a text with all settings that determine the rows of each
  /// step. Ranks that use the same rows have the same text. Checkpoints
  /// store it.
  std::string order_text() const;

 private:
  void check_lengths(int64_t step, std::span<const int64_t> rows) const;

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pp
