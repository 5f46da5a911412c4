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

/// A tensor that the model's caller passes, which the data must match.
struct InputSpec {
  std::string name;
  ir::ScalarType dtype = ir::ScalarType::Float;
  std::vector<ir::Dim> sizes;
  /// False if the model doesn't say what it needs; then any data is accepted.
  bool known = true;
  /// Bounds of the symbols in `sizes`, if the export set any.
  std::map<std::string, ir::Range> ranges = {};
};

/// The number of rows of a step, and how they are split.
struct BatchPlan {
  int64_t batch_size = 0;
  int num_microbatches = 1;  ///< per replica
  int num_replicas = 1;
  /// Rows of every microbatch if the export fixed them; nullopt: any number.
  std::optional<int64_t> fixed_rows;

  /// Number of microbatches of a full step, over all replicas.
  int total_microbatches() const { return num_microbatches * num_replicas; }
};

/// Plans the batch before anything is loaded.
///
/// microbatches  pipeline.microbatches, per replica; nullopt: as many as the
///               export's fixed batch requires, else 1
/// throws        Error(Usage): fewer rows than microbatches; microbatches of
///               another size than the exported one; inputs with different
///               exported sizes; no batch_size
BatchPlan plan_batch(
    const DataConfig& data,
    std::optional<int> microbatches,
    std::span<const InputSpec> inputs,
    int replicas = 1);

/// Returns the number of rows of each chunk. The first num_rows % num_chunks
/// chunks have one more than the others, as in torch.tensor_split.
std::vector<int64_t> chunk_sizes(int64_t num_rows, int num_chunks);

}  // namespace pp
