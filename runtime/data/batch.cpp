#include "runtime/data/batch.h"

#include "loader/core/error.h"

namespace pp {
namespace {

/// An input whose number of rows the export fixed.
struct FixedInput {
  const InputSpec* spec = nullptr;
  int64_t dimension = 0;
  int64_t rows = 0;
};

std::optional<FixedInput> fixed_input(
    const DataConfig& data, std::span<const InputSpec> inputs) {
  std::optional<FixedInput> found;
  for (const InputSpec& spec : inputs) {
    const auto source = data.inputs.find(spec.name);
    if (source == data.inputs.end() || !source->second.split_dim) {
      continue;
    }
    const int64_t dimension = *source->second.split_dim;
    if (dimension >= std::ssize(spec.sizes) ||
        !spec.sizes[dimension].is_fixed()) {
      continue;
    }
    const int64_t rows = spec.sizes[dimension].value;
    if (found && found->rows != rows) {
      throw usage_error(
          "inputs were exported with different batches: " + found->spec->name +
          " with " + std::to_string(found->rows) + ", " + spec.name + " with " +
          std::to_string(rows) +
          "; give the one that is no batch split_dim = \"none\" in "
          "[data].inputs");
    }
    if (!found) {
      found = FixedInput{&spec, dimension, rows};
    }
  }
  return found;
}

[[noreturn]] void refuse_fixed(
    const FixedInput& fixed, int replicas, const std::string& job_does) {
  const std::string rows = std::to_string(fixed.rows);
  throw usage_error(
      fixed.spec->name + " was exported with batch " + rows + "; " + job_does +
      "; set batch_size = " + rows + " x microbatches" +
      (replicas > 1 ? " x replicas" : "") +
      ", or export with a dynamic dimension " +
      std::to_string(fixed.dimension));
}

}  // namespace

BatchPlan plan_batch(
    const DataConfig& data,
    std::optional<int> microbatches,
    std::span<const InputSpec> inputs,
    int replicas) {
  if (data.batch_size < 1) {
    throw usage_error("[data] needs batch_size, the rows of a step");
  }
  const int64_t fewest = int64_t{microbatches.value_or(1)} * replicas;
  if (fewest > data.batch_size) {
    throw usage_error(
        "batch_size " + std::to_string(data.batch_size) +
        " is smaller than microbatches " +
        std::to_string(microbatches.value_or(1)) +
        (replicas > 1 ? " x replicas " + std::to_string(replicas) : "") +
        "; every microbatch needs a row");
  }
  BatchPlan plan;
  plan.batch_size = data.batch_size;
  plan.num_replicas = replicas;
  const std::optional<FixedInput> fixed = fixed_input(data, inputs);
  if (!fixed) {
    plan.num_microbatches = microbatches.value_or(1);
    return plan;
  }
  plan.fixed_rows = fixed->rows;
  if (!microbatches) {
    if (fixed->rows < 1 || data.batch_size % (fixed->rows * replicas) != 0) {
      refuse_fixed(
          *fixed,
          replicas,
          "this job's batch_size is " + std::to_string(data.batch_size));
    }
    plan.num_microbatches =
        static_cast<int>(data.batch_size / fixed->rows / replicas);
    return plan;
  }
  const std::vector<int64_t> sizes =
      chunk_sizes(data.batch_size, static_cast<int>(fewest));
  if (sizes.front() != fixed->rows || sizes.back() != fixed->rows) {
    refuse_fixed(
        *fixed,
        replicas,
        "this job makes microbatches of " + std::to_string(sizes.front()) +
            (sizes.back() == sizes.front()
                 ? ""
                 : " and " + std::to_string(sizes.back())));
  }
  plan.num_microbatches = *microbatches;
  return plan;
}

std::vector<int64_t> chunk_sizes(int64_t num_rows, int num_chunks) {
  check(num_chunks > 0, "chunks are at least one");
  std::vector<int64_t> sizes(num_chunks, num_rows / num_chunks);
  for (int64_t chunk = 0; chunk < num_rows % num_chunks; ++chunk) {
    ++sizes[chunk];
  }
  return sizes;
}

}  // namespace pp
