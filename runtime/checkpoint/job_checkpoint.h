#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "loader/archive/checkpoint_state.h"
#include "runtime/checkpoint/reader.h"
#include "runtime/checkpoint/shared_folder.h"
#include "runtime/optim/optimizer.h"
#include "runtime/rank/rank_context.h"

namespace pp {

/// A checkpoint whose parts are spread over the folders of a job's ranks, with
/// each part in at least one of them. If a rank's own folder lacks a part, the
/// rank receives the part from another rank.
class JobCheckpoint {
 public:
  /// path     this rank's folder `step_N`
  /// sharing  which ranks see the same folder
  /// holders  for each part, in the order of `content`: the leaders (see
  ///          inventory.h) whose folders contain it, at least one, ascending
  JobCheckpoint(
      RankContext& context,
      std::filesystem::path path,
      CheckpointContent content,
      FolderSharing sharing,
      std::vector<std::vector<int>> holders);

  const std::filesystem::path& path() const { return path_; }
  const CheckpointState& state() const { return content_.state; }

  /// Returns a function that looks up the parameters and buffers `fqns` and
  /// their optimizer state by name. All ranks call it together, each with the
  /// FQNs of its own stages.
  /// throws  Error(Input): a file is damaged
  TensorLookup lookup(const std::set<std::string>& fqns);

 private:
  using Tensors = std::map<std::string, at::Tensor>;

  bool has(int rank, size_t part) const;
  bool every_rank_has_all() const;
  void send(
      const std::vector<std::vector<std::string>>& wanted,
      std::vector<std::unique_ptr<Pending>>& sends);
  Tensors receive();

  RankContext& context_;
  std::filesystem::path path_;
  CheckpointContent content_;
  FolderSharing sharing_;
  std::vector<std::vector<int>> holders_;
};

/// Opens the checkpoint at `path`, which names a folder on each rank's host.
/// Each rank reads and checks all parts in its own folder. All ranks call it
/// together.
/// throws  Error(Input): the folder is not a checkpoint or is damaged, or no
///         rank has one of the parts (names the host that saved that part)
JobCheckpoint open_checkpoint(
    RankContext& context, const std::filesystem::path& path);

}  // namespace pp
