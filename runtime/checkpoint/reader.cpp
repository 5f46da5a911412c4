#include "runtime/checkpoint/reader.h"

#include <cstring>
#include <ranges>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include "loader/archive/content_hash.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/optim/describe.h"

namespace pp {
namespace fs = std::filesystem;
namespace {

bool is_equal(const TensorView& a, const TensorView& b) {
  return a.dtype == b.dtype && a.sizes == b.sizes &&
         a.bytes.size() == b.bytes.size() &&
         (a.bytes.empty() ||
          std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()) == 0);
}

}  // namespace

void check_part(
    const fs::path& folder, const CheckpointPart& part, Verify verify) {
  const fs::path path = folder / part.file;
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
        " bytes, but was written with " + std::to_string(part.num_bytes) +
        "; it is damaged");
  }
  if (verify == Verify::Full) {
    const std::string hash = file_hash(path);
    if (hash != part.hash) {
      throw input_error(
          path.string() + ": damaged: its hash is " + hash + ", but was " +
          part.hash + " when it was written");
    }
  }
}

CheckpointReader::CheckpointReader(const fs::path& path, Verify verify)
    : path_(path) {
  CheckpointContent content = read_checkpoint(path);
  check_parts_are_there(path, content);
  state_ = std::move(content.state);
  for (const CheckpointPart& part : content.parts) {
    check_part(path, part, verify);
    add_part(part.file);
  }
}

CheckpointReader::CheckpointReader(
    fs::path path, CheckpointState state, const std::vector<std::string>& parts)
    : path_(std::move(path)), state_(std::move(state)) {
  for (const std::string& file : parts) {
    add_part(file);
  }
}

void CheckpointReader::add_part(const std::string& file) {
  const size_t part = parts_.size();
  parts_.push_back(std::make_unique<SafetensorsReader>(path_ / file));
  for (const auto& [name, view] : parts_.back()->tensors()) {
    const auto [entry, added] = entries_.emplace(name, Entry{view, part});
    if (!added && !is_equal(entry->second.view, view)) {
      throw input_error(
          parts_.back()->path().string() + ": '" + name + "' is also in " +
          parts_[entry->second.part]->path().filename().string() +
          ", with different content");
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
    // The format does not align tensors, but kernels need them aligned.
    at::Tensor copy = at::empty(view.sizes, options);
    if (!view.bytes.empty()) {
      std::memcpy(copy.mutable_data_ptr(), data, view.bytes.size());
    }
    return copy;
  }
  // LibTorch has no read-only tensors; a write to this one faults.
  return at::from_blob(
      const_cast<std::byte*>(data),  // NOLINT(*-const-cast)
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
    const std::string& name, const at::Tensor& destination) const {
  const at::Tensor saved = find(name);
  if (saved.sizes() != destination.sizes() ||
      saved.scalar_type() != destination.scalar_type()) {
    throw input_error(
        path_.string() + ": '" + name + "' is " + describe(saved) +
        ", but the model's is " + describe(destination));
  }
  const at::NoGradGuard no_grad;
  destination.copy_(saved);
}

}  // namespace pp
