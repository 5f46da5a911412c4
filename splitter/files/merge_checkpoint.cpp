#include "splitter/files/merge_checkpoint.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "loader/archive/checkpoint_state.h"
#include "loader/archive/folders.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "splitter/files/record_places.h"

namespace pp {

namespace fs = std::filesystem;

MergeCheckpoint::MergeCheckpoint(fs::path path) : path_(std::move(path)) {
  std::error_code error;
  if (!fs::is_directory(path_, error)) {
    if (error && error != std::errc::no_such_file_or_directory) {
      throw input_error(path_.string() + ": " + error.message());
    }
    throw input_error(
        path_.string() +
        " is not a checkpoint; name a folder that holds part_0.safetensors "
        "and its other parts");
  }
  std::vector<fs::path> files;
  for (const fs::path& entry : entries_of(path_)) {
    const std::string name = entry.filename().string();
    if (name.starts_with("part_") && name.ends_with(".safetensors")) {
      files.push_back(entry);
    }
  }
  std::error_code ignored;
  // Without parts, it throws and says what a checkpoint has.
  if (files.empty() || fs::exists(path_ / kStateFile, ignored)) {
    check_parts_are_there(path_, read_checkpoint(path_));
  }
  if (files.empty()) {
    throw input_error(
        path_.string() + ": not a checkpoint: there is no " + part_file(0));
  }
  std::ranges::sort(files);
  for (const fs::path& file : files) {
    parts_.emplace_back(file);
  }
  for (const SafetensorsReader& part : parts_) {
    for (const auto& [name, tensor] : part.tensors()) {
      tensors_.try_emplace(name, &tensor);
    }
  }
}

const TensorView& MergeCheckpoint::find(const SourceState& state) const {
  const TensorView* found = try_find(state);
  if (found == nullptr) {
    std::vector<std::string> names;
    for (const auto& [name, tensor] : tensors_) {
      names.push_back(name);
    }
    throw input_error(
        path_.string() + ": tensor '" + state.fqn + "' is missing" +
        did_you_mean(state.fqn, names));
  }
  if (found->dtype != state.tensor.dtype ||
      found->sizes != fixed_sizes_of(state.tensor)) {
    throw input_error(
        path_.string() + ": tensor '" + state.fqn + "' is " +
        ir::name_of(found->dtype) + shape_text(found->sizes) +
        ", but the model has " + ir::name_of(state.tensor.dtype) +
        shape_text(fixed_sizes_of(state.tensor)));
  }
  return *found;
}

const TensorView* MergeCheckpoint::try_find(const SourceState& state) const {
  const TensorView* found = try_find(state.fqn);
  for (const std::string& alias : state.aliases) {
    found = found != nullptr ? found : try_find(alias);
  }
  return found;
}

const TensorView* MergeCheckpoint::try_find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : found->second;
}

}  // namespace pp
