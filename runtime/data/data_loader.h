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

/// The data of one microbatch. Its tensors are contiguous, and no two
/// microbatches share memory except for inputs with split_dim = "none". A
/// microbatch of another replica has only a target, because the loss needs it.
struct Microbatch {
  int index = 0;
  int64_t num_rows = 0;
  /// Number of padding rows after those, copies of the last one, which fill a
  /// fixed batch.
  int64_t num_padding = 0;
  std::map<std::string, at::Tensor> inputs;  ///< the wanted ones, by name
  at::Tensor target;  ///< undefined if none is wanted or configured
};

struct DataLoaderOptions {
  BatchPlan plan;
  std::vector<InputSpec> inputs;  ///< every tensor that the caller passes
  std::vector<std::string> guards = {};  ///< Graph::guards
  /// Names of the inputs that this rank's stages read; nullopt: all of them.
  std::optional<std::set<std::string>> wanted;
  bool wants_target = true;
  uint64_t seed = 0;
  int replica = 0;  ///< this rank's replica, below plan.num_replicas
  /// Whether a last batch with fewer rows than microbatches is kept. If it is,
  /// as in inference, it is cut into fewer microbatches than planned, of one
  /// row each; otherwise it is dropped, with a notice.
  bool keep_short_batch = false;
  /// Whether the last microbatch of a model with a fixed batch is filled with
  /// copies of its last row, as in inference; otherwise the rows that don't
  /// fill a batch are dropped, with a notice.
  bool pads_fixed_batch = false;
  /// If true, the loader gives, instead of the data, one step of two
  /// microbatches to compare: the last microbatch twice, padded once with
  /// copies and once with zeros. Requires that the same loader without this
  /// option pads().
  bool is_padding_trial = false;
  Log log;  ///< gets the notices, as warnings
};

/// Reads the rows of each step from mapped files.
///
/// The rows of a step depend only on seed, epoch, step, batch size and number
/// of rows. So every rank computes the same rows without communication, and a
/// run can resume at any step. Only rows that are used are read.
///
/// Files must hold numbers of the input's kind. Integers and bools are
/// converted to the input's integer or bool type, floating-point numbers to its
/// floating-point type. A target's integers are converted to int64; other
/// targets keep their type.
class DataLoader {
 public:
  /// Opens every source and checks it against the model's inputs.
  ///
  /// throws  Error(Usage): no [data], an input without a source or a source
  ///         without an input, fewer rows than one batch; microbatches of a
  ///         size that the export excludes (SizeRules);
  ///         Error(Input): a file that can't be read, a shape or dtype that
  ///         doesn't match its input, sources with different numbers of rows
  DataLoader(const DataConfig& config, DataLoaderOptions options);
  ~DataLoader();
  DataLoader(DataLoader&&) noexcept;
  DataLoader& operator=(DataLoader&&) noexcept;

  int64_t num_rows() const;
  /// Whether the last microbatch has padding.
  bool pads() const;
  /// Includes the last, partial batch if it is used.
  int64_t steps_per_epoch() const;
  // Steps are counted from 0 over all epochs.

  /// Number of microbatches of a step, over all replicas. It differs from the
  /// plan's only for a short batch that is kept.
  int num_microbatches(int64_t step) const;
  /// Returns the first of this replica's microbatches, and their number.
  std::pair<int, int> own_microbatches(int64_t step) const;
  /// Returns the rows of a step, in order.
  std::vector<int64_t> rows(int64_t step) const;
  /// Reads the data of a step's microbatches, of all replicas. Thread safe.
  std::vector<Microbatch> step(int64_t step) const;
  /// The notices that were logged on opening: which rows are left out.
  const std::vector<std::string>& notices() const;
  /// Describes everything that determines the rows of a step. It is equal on
  /// two ranks if they use the same rows, and checkpoints store it.
  std::string order_text() const;

 private:
  void check_lengths(int64_t step, std::span<const int64_t> rows) const;

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pp
