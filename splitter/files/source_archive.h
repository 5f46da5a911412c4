#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "loader/model/model.h"

namespace pp {

/// A tensor of the source model that the stages' files now store.
struct SourceState {
  std::string fqn;
  std::vector<std::string> aliases;
  bool in_checkpoints = true;  ///< true for a parameter or persistent buffer
  ir::TensorMeta tensor;  ///< sizes (fixed), strides and offset in the record
};

/// One record of the source archive. `source.pt2` contains a record only if the
/// record holds no states.
struct SourceRecord {
  std::string name;
  uint64_t num_bytes = 0;
  std::vector<SourceState> states;  ///< tensors that the record holds
};

/// All records of the source, in order. merge() restores the source from them.
using SourceIndex = std::vector<SourceRecord>;

/// Writes `source.pt2`: the model's records without those that hold weights,
/// and an index of all records.
void write_source(const std::filesystem::path& path, const Model& model);

/// Reads the index of `source.pt2`.
/// throws  Error(Input): the index is missing or damaged
SourceIndex read_source_index(const ZipReader& archive);

/// The record of `source.pt2` that holds the index.
inline constexpr const char* kSourceIndexRecord = "extra/pp_source.json";

}  // namespace pp
