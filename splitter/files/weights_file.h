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

/// Collects a model's weights for a `.safetensors` file as Python tools write
/// it: one tensor for each name in the model's state_dict. A tied parameter has
/// one tensor; the metadata has a note for each of its other names (as
/// safetensors.torch.save_model does).
class WeightsFile {
 public:
  /// aliases  other names of the same parameter
  /// bytes    contiguous content of the tensor; must outlive this
  void add(
      const std::string& name,
      const std::vector<std::string>& aliases,
      const TensorView& tensor);
  /// tensor  sizes (fixed), strides and offset in the record
  /// record  bytes that hold the tensor; must outlive this
  void add(
      const std::string& name,
      const std::vector<std::string>& aliases,
      const ir::TensorMeta& tensor,
      std::span<const std::byte> record);

  /// throws  as write_safetensors()
  void write(const std::filesystem::path& path) const;

 private:
  std::map<std::string, TensorView> tensors_;
  std::map<std::string, std::string> notes_;
  std::deque<std::vector<std::byte>> packed_;
};

/// Whether WeightsFile wrote the file.
bool is_weights_file(const std::filesystem::path& path);

}  // namespace pp
