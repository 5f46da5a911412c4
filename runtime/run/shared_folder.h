#pragma once

#include <filesystem>
#include <vector>

#include "runtime/launch/rank_context.h"

namespace pp {

/// Which ranks of a job see one and the same folder under a path: all of them,
/// where one machine or a shared file system holds it; else those of a host.
/// The lowest of the ranks that share one leads them.
class FolderSharing {
 public:
  /// leader_of  by rank; a leader's own is itself
  explicit FolderSharing(std::vector<int> leader_of);
  /// All ranks share it, or each has its own.
  static FolderSharing all_in_one(int num_ranks);
  static FolderSharing each_alone(int num_ranks);

  int leader_of(int rank) const { return leader_of_.at(rank); }
  bool leads(int rank) const { return leader_of(rank) == rank; }
  const std::vector<int>& leaders() const { return leaders_; }
  bool is_one() const { return leaders_.size() == 1; }

 private:
  std::vector<int> leader_of_;
  std::vector<int> leaders_;  ///< ascending
};

/// Finds out what the ranks of `context` share under `folder`, which need not
/// exist: each leaves a mark in the folder or, where that is not there yet, in
/// the nearest above it, looks for the others' marks, and removes its own. All
/// ranks call it together.
/// throws  Error(Runtime) naming the path that can't be written
FolderSharing find_sharing(
    RankContext& context, const std::filesystem::path& folder);

}  // namespace pp
