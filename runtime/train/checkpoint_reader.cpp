#include <cstring>
#include <ranges>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include "loader/archive/atomic_file.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/checkpoint_state.h"
#include "runtime/train/content_hash.h"
#include "runtime/train/describe.h"

namespace pp {
namespace fs = std::filesystem;
namespace {

void check_part(
    const fs::path& path,
    const CheckpointPart& part,
    CheckpointReader::Verify verify) {
  std::error_code error;
  const uintmax_t num_bytes = fs::file_size(path, error);
  if (error) {
    throw input_error(
        path.string() + ": a part of the checkpoint is missing (" +
        error.message() + ")");
  }
  if (num_bytes != part.num_bytes) {
    throw input_error(
        path.string() + ": has " + std::to_string(num_bytes) +
        " bytes, but was written with " + std::to_string(part.num_bytes));
  }
  if (verify == CheckpointReader::Verify::Full) {
    const std::string hash = file_hash(path);
    if (hash != part.hash) {
      throw input_error(
          path.string() + ": damaged: its content hashes to " + hash +
          ", but was written with " + part.hash);
    }
  }
}

bool same(const TensorView& a, const TensorView& b) {
  return a.dtype == b.dtype && a.sizes == b.sizes &&
         a.bytes.size() == b.bytes.size() &&
         (a.bytes.empty() ||
          std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()) == 0);
}

}  // namespace

CheckpointReader::CheckpointReader(const fs::path& path, Verify verify)
    : path_(path) {
  const fs::path state_path = path / kStateFile;
  std::error_code error;
  if (!fs::exists(state_path, error)) {
    throw input_error(
        path.string() + ": not a checkpoint: there is no " +
        std::string(kStateFile));
  }
  CheckpointContent content =
      parse_checkpoint(read_file(state_path), state_path);
  state_ = std::move(content.state);
  for (size_t i = 0; i < content.parts.size(); ++i) {
    const fs::path part_path = path / content.parts[i].file;
    check_part(part_path, content.parts[i], verify);
    parts_.push_back(std::make_unique<SafetensorsReader>(part_path));
    for (const auto& [name, view] : parts_.back()->tensors()) {
      const auto [entry, added] = entries_.emplace(name, Entry{view, i});
      if (!added && !same(entry->second.view, view)) {
        throw input_error(
            part_path.string() + ": '" + name + "' is also in " +
            content.parts[entry->second.part].file +
            ", with different content");
      }
    }
  }
}

std::vector<std::string> CheckpointReader::names() const {
  const auto keys = std::views::keys(entries_);
  return {keys.begin(), keys.end()};
}

at::Tensor CheckpointReader::try_find(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    return {};
  }
  const TensorView& view = found->second.view;
  const auto dtype = static_cast<at::ScalarType>(view.dtype);
  const auto options = at::TensorOptions().dtype(dtype);
  const std::byte* data = view.bytes.data();
  const auto address = reinterpret_cast<uintptr_t>(data);
  if (view.bytes.empty() || address % c10::elementSize(dtype) != 0) {
    // The format does not align tensors; the kernels want them aligned.
    at::Tensor copy = at::empty(view.sizes, options);
    if (!view.bytes.empty()) {
      std::memcpy(copy.mutable_data_ptr(), data, view.bytes.size());
    }
    return copy;
  }
  // LibTorch has no read-only tensors; whoever writes to this one faults.
  return at::from_blob(
      const_cast<std::byte*>(data),
      view.sizes,
      [file = parts_[found->second.part]->file()](void*) {},
      options);
}

at::Tensor CheckpointReader::find(const std::string& name) const {
  at::Tensor tensor = try_find(name);
  if (!tensor.defined()) {
    throw input_error(
        path_.string() + ": there is no tensor '" + name + "'" +
        did_you_mean(name, names()));
  }
  return tensor;
}

void CheckpointReader::copy_to(
    const std::string& name, const at::Tensor& into) const {
  const at::Tensor saved = find(name);
  if (saved.sizes() != into.sizes() ||
      saved.scalar_type() != into.scalar_type()) {
    throw input_error(
        path_.string() + ": '" + name + "' is " + describe(saved) +
        ", but the model's is " + describe(into));
  }
  const at::NoGradGuard no_grad;
  into.copy_(saved);
}

NewestCheckpoint find_newest_checkpoint(const fs::path& folder) {
  NewestCheckpoint out;
  for (const fs::path& path : std::views::reverse(list_checkpoints(folder))) {
    try {
      const CheckpointReader reader(path, CheckpointReader::Verify::Full);
      out.path = path;
      break;
    } catch (const Error& error) {
      out.warnings.push_back(
          "checkpoint " + path.filename().string() +
          " is passed over: " + error.what());
    }
  }
  return out;
}

}  // namespace pp
