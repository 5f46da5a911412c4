#pragma once

#include <deque>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "loader/archive/safetensors.h"
#include "loader/ir/types.h"

namespace pp {

/// Collects a model's weights and writes them to a `.safetensors` file as
/// Python tools do: each tensor under its name in the model's state_dict. A
/// tied parameter is stored once, under one of its names; the metadata has an
/// entry for each other name (as safetensors.torch.save_model writes them).
class WeightsFile {
 public:
  /// Adds a tensor that is contiguous in memory.
  /// name     the tensor's name in the file
  /// aliases  other names of the same parameter
  /// tensor   the tensor; its memory must outlive this object
  void add(
      const std::string& name,
      const std::vector<std::string>& aliases,
      const TensorView& tensor);
  /// Adds a tensor that may be a strided part of a record.
  /// tensor  its sizes, which must be fixed, its strides, and its offset in the
  ///         record
  /// record  the bytes that hold the tensor; must outlive this object
  /// throws  Error(Input) naming the tensor: its sizes are too large, or it
  ///         repeats elements too often
  void add(
      const std::string& name,
      const std::vector<std::string>& aliases,
      const ir::TensorMeta& tensor,
      std::span<const std::byte> record);

  /// The tensors by name.
  const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  /// The other names of tied parameters, each with the name that tensors() has.
  const std::map<std::string, std::string>& aliases() const { return notes_; }

  /// Writes the file.
  /// throws  see write_safetensors()
  void write(const std::filesystem::path& path) const;

 private:
  std::map<std::string, TensorView> tensors_;
  std::map<std::string, std::string> notes_;
  std::deque<std::vector<std::byte>> packed_;
};

/// The metadata of a safetensors file that `pp merge` writes: what Python tools
/// look for, and a mark by which is_weights_file() knows the file.
std::map<std::string, std::string> weights_metadata();

/// Whether `path` is a file with the mark of weights_metadata().
bool is_weights_file(const std::filesystem::path& path);

}  // namespace pp
