#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "loader/model.h"

namespace pp {

/// A tensor in a record of the source that stages hold.
struct SourceState {
  std::string fqn;
  std::vector<std::string> aliases;
  bool in_checkpoints = true;  ///< a parameter or persistent buffer
  ir::TensorMeta tensor;       ///< fixed sizes; its place within the record
};

/// One record of the source archive. Those with states are not in source.pt2.
struct SourceRecord {
  std::string name;
  uint64_t num_bytes = 0;
  std::vector<SourceState> states;
};

/// The source's records in order, from which `merge` makes it again.
using SourceIndex = std::vector<SourceRecord>;

/// Writes `source.pt2`: the model's records less the weights, and an index of
/// all of them.
void write_source(const std::filesystem::path& path, const Model& model);

/// throws Error(Input): no index in the archive, or a damaged one
SourceIndex read_source_index(const ZipReader& archive);

/// The record of `source.pt2` that holds the index.
inline constexpr const char* kSourceIndexRecord = "extra/pp_source.json";

}  // namespace pp
