#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pp {

/// The state of a training run, without tensors.
struct CheckpointState {
  int64_t step = 0;           ///< number of updates done
  int64_t epoch = 0;          ///< passes over the data before the current one
  int64_t data_position = 0;  ///< samples of the epoch that were used
  uint64_t seed = 0;
  std::map<std::string, std::string> job;  ///< settings of the job, for readers
};

/// One file of a checkpoint, which holds tensors.
struct CheckpointPart {
  std::string file;  ///< a plain name in the checkpoint's folder
  uint64_t num_bytes = 0;
  std::string hash;  ///< content_hash() of the file
  /// Host that saved it; empty if all hosts saved into one folder.
  std::string host = {};
};

/// The content of `state.json` in a checkpoint's folder. If the hosts of a job
/// don't share a folder, every host has the same `state.json`, but only the
/// parts that it saved.
struct CheckpointContent {
  CheckpointState state;
  std::vector<CheckpointPart> parts;
};

inline constexpr std::string_view kStateFile = "state.json";

/// The file name of a part.
std::string part_file(int part);

std::string to_json(const CheckpointContent& content);

/// Parses the content of `state.json`.
/// path    names the file in messages
/// throws  Error(Input) naming the file and the field: not JSON, another format
///         or version, a field missing or of the wrong type, a part outside the
///         folder
CheckpointContent parse_checkpoint(
    std::string_view json, const std::filesystem::path& path);

/// Reads `state.json` of a folder.
/// throws  Error(Input) if there is none, or like parse_checkpoint()
CheckpointContent read_checkpoint(const std::filesystem::path& folder);

/// "part_1.safetensors (saved on host b), part_2.safetensors (saved on ..."
std::string parts_text(std::span<const CheckpointPart> parts);

/// Checks that the folder has all parts.
/// throws  Error(Input) naming the missing parts and the hosts that saved them
void check_parts_are_there(
    const std::filesystem::path& folder, const CheckpointContent& content);

}  // namespace pp
