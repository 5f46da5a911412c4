#include "runtime/checkpoint/shared_folder.h"

#include <fstream>
#include <random>
#include <string>
#include <system_error>
#include <utility>

#include "loader/archive/folders.h"
#include "loader/core/error.h"
#include "runtime/rank/collectives.h"
#include "runtime/rank/from_rank.h"

namespace pp {

namespace {

namespace fs = std::filesystem;

/// An empty file that exists as long as this object.
class Mark {
 public:
  explicit Mark(fs::path path) : path_(std::move(path)) {
    if (!std::ofstream(path_)) {
      throw runtime_error(
          path_.parent_path().string() + ": cannot write a file there: " +
          std::generic_category().message(errno));
    }
  }
  Mark(const Mark&) = delete;
  Mark& operator=(const Mark&) = delete;
  ~Mark() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }

 private:
  fs::path path_;
};

/// Returns a random name, so that no rank has looked for it before: file
/// systems cache that a file does not exist.
std::string new_name() {
  std::random_device device;
  return ".pp-" + std::to_string(device()) + std::to_string(device()) + "-";
}

}  // namespace

FolderSharing::FolderSharing(std::vector<int> leader_of)
    : leader_of_(std::move(leader_of)) {
  for (int rank = 0; rank < static_cast<int>(leader_of_.size()); ++rank) {
    if (leads(rank)) {
      leaders_.push_back(rank);
    }
    check(leads(leader_of_[rank]), "a leader must be its own leader");
  }
}

FolderSharing FolderSharing::all_in_one(int num_ranks) {
  return FolderSharing(std::vector<int>(num_ranks, 0));
}

FolderSharing FolderSharing::each_alone(int num_ranks) {
  std::vector<int> leader_of;
  for (int rank = 0; rank < num_ranks; ++rank) {
    leader_of.push_back(rank);
  }
  return FolderSharing(std::move(leader_of));
}

FolderSharing find_sharing(RankContext& context, const fs::path& folder) {
  const fs::path there = nearest_that_exists(folder);
  const std::string name = broadcast_text(context, new_name());
  const auto mark_of = [&](int rank) {
    return there / (name + std::to_string(rank));
  };
  const Mark own(mark_of(context.rank));
  barrier(context);
  int seen = 0;
  std::error_code ignored;
  while (seen < context.rank && !fs::exists(mark_of(seen), ignored)) {
    ++seen;
  }
  std::vector<int> leader_of;
  // The exchange ends once every rank has looked; only then are marks removed.
  for (const std::string& text :
       all_gather_text(context, std::to_string(seen))) {
    const int rank = static_cast<int>(leader_of.size());
    const int leader = static_cast<int>(
        number_from_rank(text, rank, "the leader of its folder", 0, rank));
    leader_of.push_back(
        leader < static_cast<int>(leader_of.size()) ? leader_of[leader]
                                                    : leader);
  }
  return FolderSharing(std::move(leader_of));
}

}  // namespace pp
