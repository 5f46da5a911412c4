#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "runtime/job/job.h"

namespace pp {

/// A tensor that the model's user passes: what the data has to fit.
struct InputSpec {
  std::string name;
  ir::ScalarType dtype = ir::ScalarType::Float;
  std::vector<ir::Dim> sizes;
  /// false: the model does not say what it takes; the data come as they are.
  bool known = true;
  /// Bounds of the symbols in `sizes`, where the export set some.
  std::map<std::string, ir::Range> ranges = {};
};

/// How many rows a step takes and how they are cut.
struct BatchPlan {
  int64_t batch_size = 0;
  int num_microbatches = 1;  ///< of each replica
  int num_replicas = 1;
  /// Rows of every microbatch where the export fixed them; none: any number.
  std::optional<int64_t> fixed_rows;

  /// Microbatches of a full step, over all replicas.
  int total_microbatches() const { return num_microbatches * num_replicas; }
};

/// Settles the batch before anything is loaded.
///
/// microbatches  pipeline.microbatches; none: as many as the export's fixed
///               batch asks for, else 1
/// replicas      among which the microbatches of a step are shared out: each
///               has so many
/// throws        Error(Usage): fewer rows than microbatches; microbatches that
///               a fixed-batch export can't take; inputs whose fixed batches
///               disagree; no batch_size
BatchPlan plan_batch(
    const DataConfig& data,
    std::optional<int> microbatches,
    std::span<const InputSpec> inputs,
    int replicas = 1);

/// Rows of each of `num_chunks` chunks: the first num_rows % num_chunks have
/// one more than the others (torch.tensor_split).
std::vector<int64_t> chunk_sizes(int64_t num_rows, int num_chunks);

}  // namespace pp
