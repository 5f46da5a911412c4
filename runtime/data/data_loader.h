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

/// What one microbatch is fed. Tensors are contiguous and its own: no two
/// microbatches share memory, but for inputs with split_dim = "none". One of
/// another replica has no inputs, but its target: it counts in the loss.
struct Microbatch {
  int index = 0;
  int64_t num_rows = 0;
  std::map<std::string, at::Tensor> inputs;  ///< those wanted, by name
  at::Tensor target;  ///< undefined where none is wanted or given
};

struct DataLoaderOptions {
  BatchPlan plan;
  std::vector<InputSpec> inputs;  ///< all tensors the model's user passes
  /// The inputs that this rank's stages read; none: all of them.
  std::optional<std::set<std::string>> wanted;
  bool wants_target = true;
  uint64_t seed = 0;
  int replica = 0;  ///< whose microbatches are fed, of plan.num_replicas
  /// A last batch of fewer rows than microbatches: false: dropped, with a
  /// notice. true (inference): it comes as so many microbatches of one row,
  /// fewer than the plan has.
  bool keep_short_batch = false;
  Log log;  ///< where notices go, as warnings
};

/// Reads the rows of each step from mapped files.
///
/// Which rows a step takes is a function of (seed, epoch, step, batch size,
/// number of rows) alone: every rank computes the same without a message, and
/// a resumed run starts at any step. Only rows that are used are read.
///
/// An input takes files of its own kind: integers and bools become the input's
/// integer or bool type, floating its floating type; a target's integers
/// become int64, other targets keep their type.
class DataLoader {
 public:
  /// Opens every source and checks it against the model's inputs.
  ///
  /// throws  Error(Usage): no [data], an input without a source or a source
  ///         without an input, data that do not make one batch;
  ///         Error(Input): a file that can't be read, shape or dtype that does
  ///         not fit its input, sources that disagree on the number of rows
  DataLoader(const DataConfig& config, DataLoaderOptions options);
  ~DataLoader();
  DataLoader(DataLoader&&) noexcept;
  DataLoader& operator=(DataLoader&&) noexcept;

  int64_t num_rows() const;
  /// Counts the last, partial batch if it is used.
  int64_t steps_per_epoch() const;
  /// Microbatches of a step (counted from 0 over all epochs), of all replicas;
  /// the plan's number, but for a short batch that is kept.
  int num_microbatches(int64_t step) const;
  /// Those of them that are this replica's: the first, and how many.
  std::pair<int, int> own_microbatches(int64_t step) const;
  /// The rows of a step, in order.
  std::vector<int64_t> rows(int64_t step) const;
  /// What each microbatch of a step is fed, those of other replicas included.
  /// Thread safe.
  std::vector<Microbatch> step(int64_t step) const;
  /// What the log was told on opening: rows that are left out.
  const std::vector<std::string>& notices() const;
  /// Everything that decides which rows a step takes: equal on two ranks if
  /// their data order is.
  std::string order_text() const;

 private:
  void check_lengths(int64_t step, std::span<const int64_t> rows) const;

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pp
