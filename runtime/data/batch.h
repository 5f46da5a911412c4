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

/// A tensor that the caller passes to the model. The data must match its type
/// and sizes.
struct InputSpec {
  std::string name;
  ir::ScalarType dtype = ir::ScalarType::Float;
  std::vector<ir::Dim> sizes;
  /// Whether the model states the type and sizes. If not, any data is accepted.
  bool known = true;
  /// Bounds of the symbols in `sizes`; symbols that the export left unbounded
  /// are absent.
  std::map<std::string, ir::Range> ranges = {};
};

/// The number of rows of a step, and how they are divided into microbatches.
struct BatchPlan {
  int64_t batch_size = 0;
  int num_microbatches = 1;  ///< number of microbatches per replica
  int num_replicas = 1;
  /// Number of rows of every microbatch if the export fixed it; nullopt: any
  /// number.
  std::optional<int64_t> fixed_rows;

  /// Returns the number of microbatches of a full step, over all replicas.
  int total_microbatches() const { return num_microbatches * num_replicas; }
};

/// Plans the batch before anything is loaded.
///
/// microbatches  `pipeline.microbatches`, per replica; nullopt: as many as the
///               export's fixed batch requires, otherwise 1
/// throws        Error(Usage): there are fewer rows than microbatches, the
///               microbatches would have another size than the export fixed,
///               the export fixed different sizes for different inputs, or
///               batch_size is not set
BatchPlan plan_batch(
    const DataConfig& data,
    std::optional<int> microbatches,
    std::span<const InputSpec> inputs,
    int replicas = 1);

/// Returns the number of rows of each chunk. The first num_rows % num_chunks
/// chunks have one more than the others, as in torch.tensor_split.
std::vector<int64_t> chunk_sizes(int64_t num_rows, int num_chunks);

}  // namespace pp
