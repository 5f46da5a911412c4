#pragma once

#include <filesystem>
#include <vector>

#include "runtime/rank/rank_context.h"

namespace pp {

/// Which ranks of a job see the same folder under a path: all of them if one
/// machine or a shared file system holds it, otherwise those of each host. The
/// lowest of the ranks that share a folder is its leader.
class FolderSharing {
 public:
  /// leader_of  by rank: the leader of its folder; a leader has its own number
  explicit FolderSharing(std::vector<int> leader_of);
  /// All ranks share one folder.
  static FolderSharing all_in_one(int num_ranks);
  /// Each rank has a folder of its own.
  static FolderSharing each_alone(int num_ranks);

  int leader_of(int rank) const { return leader_of_.at(rank); }
  bool leads(int rank) const { return leader_of(rank) == rank; }
  const std::vector<int>& leaders() const { return leaders_; }
  bool is_one() const { return leaders_.size() == 1; }

 private:
  std::vector<int> leader_of_;
  std::vector<int> leaders_;  ///< ascending
};

/// Finds out which ranks share `folder`, which need not exist: each rank puts a
/// mark into the folder or, if it does not exist yet, the nearest one above it,
/// looks for the others' marks, and removes its own. All ranks call it
/// together.
/// throws  Error(Runtime) naming the path that can't be written
FolderSharing find_sharing(
    RankContext& context, const std::filesystem::path& folder);

}  // namespace pp
