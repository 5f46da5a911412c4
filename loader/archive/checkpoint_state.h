#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pp {

/// Everything but tensors.
struct CheckpointState {
  int64_t step = 0;           ///< updates done
  int64_t epoch = 0;          ///< passes over the data begun before this one
  int64_t data_position = 0;  ///< samples taken of the epoch
  uint64_t seed = 0;
  std::map<std::string, std::string> job;  ///< a summary for people
};

/// One file with tensors.
struct CheckpointPart {
  std::string file;  ///< a plain name in the checkpoint's folder
  uint64_t num_bytes = 0;
  std::string hash;  ///< of content_hash()
  /// The machine that saved it; empty where all saved into one folder.
  std::string host = {};
};

/// `state.json` of a checkpoint's folder. Where the hosts of a job share no
/// folder, each has the same, and those of the parts that it saved.
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

/// Reads `state.json` of a folder.
/// throws  Error(Input): there is none; as parse_checkpoint
CheckpointContent read_checkpoint(const std::filesystem::path& folder);

/// "part_1.safetensors (saved on host b), part_2.safetensors (saved on ..."
std::string parts_text(std::span<const CheckpointPart> parts);

/// throws  Error(Input) naming the parts that the folder lacks, and the hosts
///         that saved them
void check_parts_are_there(
    const std::filesystem::path& folder, const CheckpointContent& content);

}  // namespace pp
