#include <utility>

#include <ATen/core/grad_mode.h>

#include "loader/archive/atomic_file.h"
#include "loader/archive/safetensors.h"
#include "loader/archive/sync.h"
#include "loader/core/error.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/checkpoint_folder.h"
#include "runtime/train/checkpoint_state.h"
#include "runtime/train/content_hash.h"

namespace pp {
namespace fs = std::filesystem;
namespace {

void make_folders(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    throw runtime_error(
        path.string() + ": cannot make the folder: " + error.message());
  }
}

/// Removes all but the newest `keep` of the checkpoints up to `step`. Later
/// ones belong to another run and are left alone.
void prune(const fs::path& folder, int64_t step, int keep) {
  std::vector<fs::path> paths = list_checkpoints(folder);
  std::erase_if(
      paths, [step](const fs::path& path) { return *step_of(path) > step; });
  const size_t kept = keep;
  for (size_t i = 0; i + kept < paths.size(); ++i) {
    // Under its unfinished name, so that a half-removed one is never found.
    const fs::path doomed = unfinished_path(folder, *step_of(paths[i]));
    move_folder(paths[i], doomed);
    std::error_code error;
    fs::remove_all(doomed, error);
  }
}

}  // namespace

void begin_checkpoint(const fs::path& folder, int64_t step) {
  make_folders(folder);
  remove_unfinished(folder);
  make_folders(unfinished_path(folder, step));
}

void write_checkpoint_part(
    const fs::path& folder,
    int64_t step,
    int part,
    const std::map<std::string, at::Tensor>& tensors) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> kept_alive;
  std::map<std::string, TensorView> views;
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor dense = tensor.detach().cpu().contiguous();
    kept_alive.push_back(dense);
    views.emplace(
        name,
        TensorView{
            static_cast<ir::ScalarType>(dense.scalar_type()),
            dense.sizes().vec(),
            {static_cast<const std::byte*>(dense.const_data_ptr()),
             dense.nbytes()}});
  }
  write_safetensors(
      unfinished_path(folder, step) / part_file(part),
      views,
      {{"format", "pt"}});
}

fs::path commit_checkpoint(
    const fs::path& folder,
    const CheckpointState& state,
    int num_parts,
    int keep) {
  const fs::path unfinished = unfinished_path(folder, state.step);
  CheckpointContent content{state, {}};
  for (int part = 0; part < num_parts; ++part) {
    const fs::path path = unfinished / part_file(part);
    std::error_code error;
    const uintmax_t num_bytes = fs::file_size(path, error);
    if (error) {
      throw runtime_error(
          path.string() +
          ": this part of the checkpoint was not written: " + error.message());
    }
    content.parts.push_back({part_file(part), num_bytes, file_hash(path)});
  }
  write_file(unfinished / kStateFile, to_json(content));
  sync_path(unfinished);
  const fs::path path = checkpoint_path(folder, state.step);
  move_folder(unfinished, path);
  sync_path(folder);
  if (keep > 0) {
    prune(folder, state.step, keep);
  }
  return path;
}

}  // namespace pp
