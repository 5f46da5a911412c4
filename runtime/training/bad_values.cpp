#include "runtime/training/bad_values.h"

#include <optional>

#include <ATen/ops/isinf.h>
#include <ATen/ops/isnan.h>

#include "runtime/pipeline/failed_rows.h"

namespace pp {

namespace {

enum class Bad { Nan, Infinity };

/// Returns the first index along `dim` of an entry that is bad.
std::optional<int64_t> first_bad_index(
    const at::Tensor& tensor, int64_t dim, Bad bad) {
  const at::Tensor found =
      bad == Bad::Nan ? at::isnan(tensor) : at::isinf(tensor);
  if (!found.any().item<bool>()) {
    return std::nullopt;
  }
  const at::Tensor by_row =
      found.movedim(dim, 0).reshape({tensor.size(dim), -1}).any(1);
  return by_row.nonzero()[0].item<int64_t>();
}

/// Describes the first bad entry of one tensor of a microbatch.
///
/// rows  the numbers of the microbatch's rows in the data
std::string bad_value(
    const std::string& label,
    const at::Tensor& tensor,
    std::optional<int64_t> dim,
    std::span<const int64_t> rows,
    Bad bad) {
  if (!tensor.defined() || tensor.numel() == 0 || tensor.dim() == 0 ||
      !tensor.is_floating_point()) {
    return "";
  }
  const auto index = first_bad_index(tensor, dim.value_or(0), bad);
  if (!index) {
    return "";
  }
  const std::string what =
      label + (bad == Bad::Nan ? " holds nan" : " holds an infinity");
  return dim ? what + " in " + rows_text(rows.subspan(*index, 1)) +
                   " of the data"
             : what;
}

}  // namespace

std::string find_bad_value(
    const StepData& batch,
    const DataConfig& config,
    std::span<const int64_t> rows,
    int microbatch) {
  for (const Bad bad : {Bad::Nan, Bad::Infinity}) {
    for (const Microbatch& part : batch.microbatches()) {
      if (microbatch >= 0 && part.index != microbatch) {
        continue;
      }
      const auto own = rows_of_microbatch(batch, rows, part.index);
      for (const auto& [name, tensor] : part.inputs) {
        const std::string found = bad_value(
            "input '" + name + "'",
            tensor,
            config.inputs.at(name).split_dim,
            own,
            bad);
        if (!found.empty()) {
          return found;
        }
      }
      const std::string found = bad_value(
          "the target",
          part.target,
          config.target ? config.target->split_dim : std::nullopt,
          own,
          bad);
      if (!found.empty()) {
        return found;
      }
    }
  }
  return "";
}

}  // namespace pp
