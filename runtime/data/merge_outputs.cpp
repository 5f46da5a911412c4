#include "runtime/data/merge_outputs.h"

#include <cstddef>
#include <numeric>
#include <optional>
#include <span>

#include <ATen/ops/argmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include "loader/archive/safetensors.h"
#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {
namespace {

std::string shape_of(const at::Tensor& value) {
  return shape_text({value.sizes().data(), value.sizes().size()});
}

std::string key_of(const std::string& name) {
  return "output.outputs." + name;
}

at::Tensor reduced(
    const std::string& name, Reduce reduce, const at::Tensor& value) {
  if (reduce == Reduce::Argmax) {
    if (value.dim() < 1 || value.size(-1) == 0) {
      throw usage_error(
          key_of(name) + ".reduce = \"argmax\": the output has shape " +
          shape_of(value) + ", no entries along a last dimension");
    }
    return at::argmax(value, -1);
  }
  if (reduce == Reduce::Last) {
    if (value.dim() < 2 || value.size(1) == 0) {
      throw usage_error(
          key_of(name) + ".reduce = \"last\": the output has shape " +
          shape_of(value) + ", no entries along dimension 1");
    }
    return value.select(1, -1);
  }
  return value;
}

/// Whether all have the sizes of the first, but for one dimension.
bool same_sizes(
    std::span<const at::Tensor> values,
    std::optional<int64_t> except = std::nullopt) {
  for (const at::Tensor& value : values) {
    if (value.dim() != values[0].dim()) {
      return false;
    }
    for (int64_t i = 0; i < value.dim(); ++i) {
      if (i != except && value.size(i) != values[0].size(i)) {
        return false;
      }
    }
  }
  return true;
}

[[noreturn]] void refuse_shapes(
    const std::string& name,
    const std::string& how,
    std::span<const at::Tensor> values) {
  std::string other = shape_of(values[0]);
  for (const at::Tensor& value : values) {
    if (shape_of(value) != shape_of(values[0])) {
      other = shape_of(value);
    }
  }
  throw usage_error(
      "output " + name + " can't be joined " + how +
      ": microbatches have shapes " + shape_of(values[0]) + " and " + other +
      "; choose another by " + key_of(name) +
      ".join (a dimension, \"mean\", \"sum\", \"stack\" or \"same\")");
}

at::Tensor concatenated(
    const std::string& name,
    std::span<const at::Tensor> values,
    int64_t given) {
  const int64_t rank = values[0].dim();
  if (given < -rank || given >= rank) {
    throw usage_error(
        key_of(name) + ".join = " + std::to_string(given) +
        ": the output has shape " + shape_of(values[0]) +
        ", no such dimension");
  }
  const int64_t dimension = given < 0 ? given + rank : given;
  if (!same_sizes(values, dimension)) {
    refuse_shapes(name, "along dimension " + std::to_string(dimension), values);
  }
  return at::cat(at::ArrayRef(values.data(), values.size()), dimension);
}

/// The sum of values times weights, in double where they are floating.
at::Tensor weighted_sum(
    std::span<const at::Tensor> values, std::span<const double> weights) {
  const at::ScalarType type = values[0].scalar_type();
  const bool floating = at::isFloatingType(type);
  at::Tensor sum =
      at::zeros_like(floating ? values[0].to(at::kDouble) : values[0]);
  for (size_t i = 0; i < values.size(); ++i) {
    sum += floating ? values[i].to(at::kDouble).mul(weights[i]) : values[i];
  }
  return sum.to(type);
}

/// Joins values that all have one shape.
at::Tensor combined(
    const std::string& name,
    Join join,
    std::span<const at::Tensor> values,
    std::vector<double> rows) {
  if (!same_sizes(values)) {
    refuse_shapes(name, "so", values);
  }
  if (join == Join::Stack) {
    return at::stack(at::ArrayRef(values.data(), values.size()));
  }
  if (join == Join::Same) {
    for (const at::Tensor& value : values) {
      if (!at::equal(value, values[0])) {
        throw usage_error(
            "output " + name +
            " differs between microbatches; choose another "
            "join than \"same\" by " +
            key_of(name) + ".join");
      }
    }
    return values[0];
  }
  if (join == Join::Sum) {
    return weighted_sum(values, std::vector<double>(values.size(), 1.0));
  }
  if (!at::isFloatingType(values[0].scalar_type())) {
    throw usage_error(
        "output " + name +
        " holds integers, which have no mean; choose "
        "another join by " +
        key_of(name) + ".join");
  }
  const double all = std::accumulate(rows.begin(), rows.end(), 0.0);
  for (double& weight : rows) {
    weight /= all;
  }
  return weighted_sum(values, rows);
}

}  // namespace

void OutputMerger::add(
    const std::string& name,
    int64_t step,
    int microbatch,
    int64_t num_rows,
    const at::Tensor& value) {
  const auto rule = rules_.find(name);
  at::Tensor kept = value.detach();
  if (rule != rules_.end()) {
    kept = reduced(name, rule->second.reduce, kept);
  }
  // A copy: the value may be a view of memory that the run uses again.
  kept = kept.to(
      at::kCPU,
      kept.scalar_type(),
      /*non_blocking=*/false,
      /*copy=*/true,
      at::MemoryFormat::Contiguous);
  parts_[name][{step, microbatch}] = {std::move(kept), num_rows};
}

std::map<std::string, at::Tensor> OutputMerger::merge() const {
  std::map<std::string, at::Tensor> merged;
  for (const auto& [name, parts] : parts_) {
    std::vector<at::Tensor> values;
    std::vector<double> rows;
    for (const auto& [position, part] : parts) {
      values.push_back(part.value);
      rows.push_back(static_cast<double>(part.num_rows));
    }
    const auto rule = rules_.find(name);
    const bool scalar = values[0].dim() == 0;
    Join join = scalar ? Join::Mean : Join::Dimension;
    int64_t dimension = 0;
    if (rule != rules_.end() && rule->second.join) {
      join = *rule->second.join;
      dimension = rule->second.dimension;
    }
    merged[name] = join == Join::Dimension
                       ? concatenated(name, values, dimension)
                       : combined(name, join, values, rows);
  }
  return merged;
}

void write_outputs(
    const std::filesystem::path& path,
    const std::map<std::string, at::Tensor>& outputs) {
  std::map<std::string, TensorView> views;
  std::vector<at::Tensor> alive;
  for (const auto& [name, value] : outputs) {
    const at::Tensor& tensor = alive.emplace_back(value.contiguous());
    views[name] = {
        static_cast<ir::ScalarType>(tensor.scalar_type()),
        tensor.sizes().vec(),
        {static_cast<const std::byte*>(tensor.const_data_ptr()),
         tensor.nbytes()}};
  }
  write_safetensors(path, views);
}

}  // namespace pp
