#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "loader/archive/checkpoint_state.h"
#include "runtime/launch/rank_context.h"
#include "runtime/run/shared_folder.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/optimizer.h"

namespace pp {

/// A checkpoint as the ranks of a job have it: each of its parts lies in the
/// folder of at least one of them. What a rank's own folder lacks, another
/// sends.
class JobCheckpoint {
 public:
  /// path     this rank's folder `step_N`
  /// sharing  who sees the same
  /// holders  by part, in the order of `content`: the leaders whose folder has
  ///          it, ascending, one at least
  JobCheckpoint(
      RankContext& context,
      std::filesystem::path path,
      CheckpointContent content,
      FolderSharing sharing,
      std::vector<std::vector<int>> holders);

  const std::filesystem::path& path() const { return path_; }
  const CheckpointState& state() const { return content_.state; }

  /// Finds parameters and buffers by FQN and the optimizer's state of them by
  /// its name. All ranks call it together, each with what its stages hold.
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

/// "w" of "optimizer.exp_avg.w" and of "w".
std::string fqn_of(const std::string& name);

/// Of a folder that every rank is given: each looks at its own, in full.
/// All ranks call it together.
/// throws  Error(Input): no checkpoint, or damaged; a part that no rank has,
///         with the host that saved it
JobCheckpoint open_checkpoint(
    RankContext& context, const std::filesystem::path& path);

}  // namespace pp
