#include "runtime/checkpoint/exported_weights.h"

#include <charconv>
#include <optional>
#include <string>
#include <system_error>

#include "loader/archive/checkpoint_state.h"
#include "loader/archive/folders.h"
#include "loader/core/error.h"

namespace pp {

namespace fs = std::filesystem;

namespace {

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
