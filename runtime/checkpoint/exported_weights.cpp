#include "runtime/checkpoint/exported_weights.h"

#include <charconv>
#include <optional>
#include <string>
#include <system_error>

#include <ATen/ops/isfinite.h>
#include <ATen/ops/isinf.h>

#include "loader/archive/checkpoint_state.h"
#include "loader/archive/folders.h"
#include "loader/core/error.h"

namespace pp {

namespace fs = std::filesystem;

namespace {

at::ScalarType type_of(ExportDtype dtype) {
  switch (dtype) {
    case ExportDtype::Float32:
      return at::kFloat;
    case ExportDtype::BFloat16:
      return at::kBFloat16;
    case ExportDtype::Float16:
      return at::kHalf;
  }
  check(false, "every type has a case");
  return at::kFloat;
}

/// Returns the K of a file named `part_K.safetensors`; nullopt for any other
/// name.
std::optional<int> part_of(const std::string& name) {
  constexpr std::string_view kPrefix = "part_";
  if (!name.starts_with(kPrefix)) {
    return std::nullopt;
  }
  int part = 0;
  std::from_chars(
      name.data() + kPrefix.size(), name.data() + name.size(), part);
  return name == part_file(part) ? std::optional(part) : std::nullopt;
}

}  // namespace

fs::path exported_weights_folder(const OutputConfig& output) {
  return output.dir / "weights";
}

void check_exported_weights(const Job& job) {
  if (!job.output.export_dtype || !job.model.weights) {
    return;
  }
  const fs::path folder = exported_weights_folder(job.output);
  std::error_code ignored;
  const fs::path inside =
      fs::weakly_canonical(*job.model.weights, ignored)
          .lexically_relative(fs::weakly_canonical(folder, ignored));
  if (!inside.empty() && *inside.begin() != "..") {
    throw usage_error(
        "output.export_dtype writes to " + folder.string() +
        ", but model.weights is there, " + job.model.weights->string() +
        "; set another output.dir, or copy the weights to another folder");
  }
}

at::Tensor to_export_type(const at::Tensor& tensor, ExportDtype dtype) {
  return tensor.is_floating_point() ? tensor.to(type_of(dtype)) : tensor;
}

int64_t num_overflows(const at::Tensor& tensor, const at::Tensor& exported) {
  if (exported.scalar_type() == tensor.scalar_type()) {
    return 0;
  }
  const at::Tensor infinite = at::isinf(exported);
  return infinite.logical_and(at::isfinite(tensor)).sum().item<int64_t>();
}

void remove_other_parts(const fs::path& folder, const std::set<int>& parts) {
  for (const fs::path& path : entries_of(folder)) {
    const std::optional<int> part = part_of(path.filename().string());
    std::error_code error;
    if (!part || parts.contains(*part) || fs::is_directory(path, error)) {
      continue;
    }
    fs::remove(path, error);
    if (error) {
      throw runtime_error(
          path.string() +
          ": cannot remove this part of an earlier export: " + error.message());
    }
  }
}

}  // namespace pp
