#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/train/checkpoint.h"

namespace pp {

/// A row of `state.json`.
struct CheckpointPart {
  std::string file;  ///< a plain name in the checkpoint's folder
  uint64_t num_bytes = 0;
  std::string hash;  ///< of content_hash()
};

struct CheckpointContent {
  CheckpointState state;
  std::vector<CheckpointPart> parts;
};

inline constexpr std::string_view kStateFile = "state.json";

std::string part_file(int part);

std::string to_json(const CheckpointContent& content);

/// path    for messages
/// throws  Error(Input) naming path and key: not JSON, another format, a newer
///         version, a key missing or of the wrong type, a part outside the
///         folder
CheckpointContent parse_checkpoint(
    std::string_view json, const std::filesystem::path& path);

}  // namespace pp
