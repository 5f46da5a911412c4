#include "runtime/checkpoint/writer.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <ATen/core/grad_mode.h>

#include "loader/archive/atomic_file.h"
#include "loader/archive/content_hash.h"
#include "loader/archive/safetensors.h"
#include "loader/archive/sync.h"
#include "loader/core/error.h"
#include "runtime/checkpoint/folder.h"

namespace pp {
namespace fs = std::filesystem;
namespace {

void make_folders(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    throw runtime_error(
        path.string() + ": cannot create the folder: " + error.message());
  }
}

/// Describes a part that was just written. Throws Error(Runtime) rather than
/// Error(Input) if the file is gone: another process has removed it then.
CheckpointPart describe_part(const fs::path& path) {
  try {
    return {path.filename().string(), fs::file_size(path), file_hash(path)};
  } catch (const std::exception& error) {
    throw runtime_error(error.what());
  }
}

}  // namespace

void begin_checkpoint(const fs::path& folder, int64_t step) {
  make_folders(folder);
  remove_unfinished(folder);
  make_folders(unfinished_path(folder, step));
}

void write_tensors(
    const fs::path& path, const std::map<std::string, at::Tensor>& tensors) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> kept_alive;
  std::map<std::string, TensorView> views;
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor dense =
        tensor.detach().resolve_conj().resolve_neg().cpu().contiguous();
    kept_alive.push_back(dense);
    views.emplace(
        name,
        TensorView{
            static_cast<ir::ScalarType>(dense.scalar_type()),
            dense.sizes().vec(),
            {static_cast<const std::byte*>(dense.const_data_ptr()),
             dense.nbytes()}});
  }
  write_safetensors(path, views, {{"format", "pt"}});
}

CheckpointPart write_checkpoint_part(
    const fs::path& folder,
    int64_t step,
    int part,
    const std::map<std::string, at::Tensor>& tensors) {
  const fs::path path = unfinished_path(folder, step) / part_file(part);
  write_tensors(path, tensors);
  return describe_part(path);
}

fs::path commit_checkpoint(
    const fs::path& folder,
    const CheckpointContent& content,
    const std::set<std::string>& here) {
  const fs::path unfinished = unfinished_path(folder, content.state.step);
  for (const std::string& file : here) {
    std::error_code error;
    if (!fs::exists(unfinished / file, error)) {
      throw runtime_error(
          (unfinished / file).string() +
          ": this part of the checkpoint was not written, or was removed");
    }
  }
  write_file(unfinished / kStateFile, to_json(content));
  sync_path(unfinished);
  const fs::path path = checkpoint_path(folder, content.state.step);
  move_folder(unfinished, path);
  sync_path(folder);
  return path;
}

void prune_checkpoints(
    const fs::path& folder,
    int64_t step,
    int keep,
    std::optional<int64_t> first_bad,
    std::optional<int64_t> best) {
  std::vector<fs::path> paths = list_checkpoints(folder);
  std::erase_if(
      paths, [step](const fs::path& path) { return *step_of(path) > step; });
  const size_t kept = keep == 0 ? paths.size() : keep;
  const auto bad = std::ranges::find_if(paths, [&](const fs::path& path) {
    return first_bad && *step_of(path) >= *first_bad;
  });
  const auto num_good = static_cast<size_t>(bad - paths.begin());
  if (kept > 1 && num_good > 0 && num_good + kept <= paths.size()) {
    // The last good one takes the place of the oldest that would remain.
    std::swap(paths[num_good - 1], paths[paths.size() - kept]);
  }
  for (size_t i = 0; i + kept < paths.size(); ++i) {
    if (step_of(paths[i]) == best) {
      continue;
    }
    // Rename it first, so that a half-removed checkpoint is never found.
    const fs::path doomed = unfinished_path(folder, *step_of(paths[i]));
    move_folder(paths[i], doomed);
    std::error_code error;
    fs::remove_all(doomed, error);
  }
}

}  // namespace pp
