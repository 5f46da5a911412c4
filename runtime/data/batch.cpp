#include "runtime/data/batch.h"

#include "loader/core/error.h"
#include "loader/core/text.h"

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
          "inputs were exported with different batch sizes: " +
          found->spec->name + " with " + std::to_string(found->rows) + ", " +
          spec.name + " with " + std::to_string(rows) +
          "; set split_dim = \"none\" in [data].inputs for the one that is "
          "not split into microbatches");
    }
    if (!found) {
      found = FixedInput{&spec, dimension, rows};
    }
  }
  return found;
}

[[noreturn]] void refuse_no_data(std::span<const InputSpec> inputs) {
  std::vector<std::string> keys;
  for (const InputSpec& input : inputs) {
    keys.push_back("data.inputs." + input.name + ".path");
  }
  throw usage_error(
      "the job has no data; set data.batch_size (the rows per step)" +
      (keys.empty() ? "" : " and " + join(keys)) +
      " in a job file or with --set");
}

/// wanted  settings that would fit, such as "batch_size to 8"
[[noreturn]] void refuse_fixed(
    const FixedInput& fixed,
    const std::string& conflict,
    const std::vector<std::string>& wanted) {
  throw usage_error(
      fixed.spec->name + " was exported with batch " +
      std::to_string(fixed.rows) + ", but " + conflict + "; " +
      (wanted.empty() ? "" : "set " + join(wanted, " or ") + ", or ") +
      "export with a dynamic dimension " + std::to_string(fixed.dimension));
}

/// Returns the number of microbatches that a batch makes. The batch size must
/// be a multiple of the number of rows that the export fixed.
int fixed_microbatches(
    const FixedInput& fixed, int64_t batch_size, int replicas) {
  const int64_t unit = fixed.rows * replicas;
  if (unit < 1 || batch_size % unit != 0) {
    const int64_t below = unit < 1 ? 0 : batch_size / unit * unit;
    std::vector<std::string> wanted;
    for (const int64_t size : {below, below + unit}) {
      if (size > 0) {
        wanted.push_back(
            (wanted.empty() ? "batch_size to " : "") + std::to_string(size));
      }
    }
    refuse_fixed(
        fixed,
        "batch_size " + std::to_string(batch_size) + " is not a multiple of " +
            std::to_string(fixed.rows) +
            (replicas > 1 ? " x " + std::to_string(replicas) + " replicas"
                          : ""),
        wanted);
  }
  return static_cast<int>(batch_size / unit);
}

/// Checks that the batch size and number of microbatches make microbatches that
/// have the number of rows that the export fixed.
void check_microbatches(
    const FixedInput& fixed,
    int64_t batch_size,
    int microbatches,
    int replicas) {
  const std::vector<int64_t> sizes =
      chunk_sizes(batch_size, microbatches * replicas);
  if (sizes.front() == fixed.rows && sizes.back() == fixed.rows) {
    return;
  }
  const int64_t unit = fixed.rows * replicas;
  std::vector<std::string> wanted;
  if (unit > 0) {
    wanted.push_back("batch_size to " + std::to_string(unit * microbatches));
  }
  if (unit > 0 && batch_size % unit == 0) {
    wanted.push_back("microbatches to " + std::to_string(batch_size / unit));
  }
  refuse_fixed(
      fixed,
      "batch_size " + std::to_string(batch_size) + " with microbatches " +
          std::to_string(microbatches) +
          (replicas > 1 ? " x replicas " + std::to_string(replicas) : "") +
          " makes microbatches of " + std::to_string(sizes.front()) +
          (sizes.back() == sizes.front()
               ? ""
               : " and " + std::to_string(sizes.back())),
      wanted);
}

}  // namespace

BatchPlan plan_batch(
    const DataConfig& data,
    std::optional<int> microbatches,
    std::span<const InputSpec> inputs,
    int replicas) {
  if (data.batch_size < 1) {
    refuse_no_data(inputs);
  }
  const int64_t fewest = int64_t{microbatches.value_or(1)} * replicas;
  if (fewest > data.batch_size) {
    throw usage_error(
        "batch_size " + std::to_string(data.batch_size) +
        " is smaller than microbatches " +
        std::to_string(microbatches.value_or(1)) +
        (replicas > 1 ? " x replicas " + std::to_string(replicas) : "") +
        ", and every microbatch needs a row; set batch_size to " +
        std::to_string(fewest) + " or more");
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
    plan.num_microbatches =
        fixed_microbatches(*fixed, data.batch_size, replicas);
    return plan;
  }
  check_microbatches(*fixed, data.batch_size, *microbatches, replicas);
  plan.num_microbatches = *microbatches;
  return plan;
}

std::vector<int64_t> chunk_sizes(int64_t num_rows, int num_chunks) {
  check(num_chunks > 0, "there must be at least one chunk");
  std::vector<int64_t> sizes(num_chunks, num_rows / num_chunks);
  for (int64_t chunk = 0; chunk < num_rows % num_chunks; ++chunk) {
    ++sizes[chunk];
  }
  return sizes;
}

}  // namespace pp
