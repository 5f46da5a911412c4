#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pp {

/// The state of a training run, apart from its tensors.
struct CheckpointState {
  int64_t step = 0;   ///< number of updates made so far
  int64_t epoch = 0;  ///< number of complete passes over the data
  /// Number of samples of the current epoch already used.
  int64_t data_position = 0;
  uint64_t seed = 0;
  /// Settings of the job and further facts about its training, by name, as
  /// strings. A resumed run reads some of them.
  std::map<std::string, std::string> job;
};

/// A file of a checkpoint that holds tensors.
struct CheckpointPart {
  std::string file;  ///< its name, without a path, in the checkpoint's folder
  uint64_t num_bytes = 0;
  std::string hash;  ///< content_hash() of the file
  /// The host that saved the file; empty if all hosts saved into one folder.
  std::string host = {};
};

/// The content of `state.json` in a checkpoint's folder. If the hosts of a job
/// don't share a folder, each host has a folder with the same `state.json`, but
/// with only those parts that this host saved.
struct CheckpointContent {
  CheckpointState state;
  std::vector<CheckpointPart> parts;
};

inline constexpr std::string_view kStateFile = "state.json";

/// The file name of part number `part`: "part_0.safetensors".
std::string part_file(int part);

std::string to_json(const CheckpointContent& content);

/// Parses the content of `state.json`.
/// path    names the file in messages
/// throws  Error(Input) naming the file and the field: not JSON, another format
///         or version, a field that is missing or of the wrong type, a part
///         outside the folder
CheckpointContent parse_checkpoint(
    std::string_view json, const std::filesystem::path& path);

/// Reads `state.json` in a checkpoint's folder.
/// throws  Error(Input): the folder has no `state.json`; also all errors of
///         parse_checkpoint()
CheckpointContent read_checkpoint(const std::filesystem::path& folder);

/// Lists parts for a message: "part_1.safetensors (saved on host b),
/// part_2.safetensors (saved on ...".
std::string parts_text(std::span<const CheckpointPart> parts);

/// Checks that the folder has all parts of the checkpoint.
/// throws  Error(Input) naming the missing parts and the hosts that saved them
void check_parts_are_there(
    const std::filesystem::path& folder, const CheckpointContent& content);

}  // namespace pp
