#pragma once

#include <filesystem>
#include <vector>

#include "runtime/rank/rank_context.h"

namespace pp {

/// Which ranks of a job see the same folder under a path: all ranks if one
/// machine or a shared file system holds the folder, otherwise the ranks of
/// each host. The lowest of the ranks that share a folder is its leader.
class FolderSharing {
 public:
  /// leader_of  for each rank, the leader of its folder; a leader is its own
  ///            leader
  explicit FolderSharing(std::vector<int> leader_of);
  /// Makes the sharing in which all ranks share one folder.
  static FolderSharing all_in_one(int num_ranks);
  /// Makes the sharing in which each rank has a folder of its own.
  static FolderSharing each_alone(int num_ranks);

  int leader_of(int rank) const { return leader_of_.at(rank); }
  bool leads(int rank) const { return leader_of(rank) == rank; }
  const std::vector<int>& leaders() const { return leaders_; }
  bool is_one() const { return leaders_.size() == 1; }

 private:
  std::vector<int> leader_of_;
  std::vector<int> leaders_;  ///< ascending
};

/// Finds out which ranks share `folder`, which need not exist. Each rank puts a
/// mark into the folder or, if it does not exist yet, into the nearest existing
/// folder above it, looks for the other ranks' marks, and removes its own. All
/// ranks call it together.
/// throws  Error(Runtime) naming the path that can't be written
FolderSharing find_sharing(
    RankContext& context, const std::filesystem::path& folder);

}  // namespace pp
