#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "runtime/launch/child.h"

namespace pp::testing {

/// A folder for what the ranks of one test write.
class RankDir {
 public:
  RankDir();
  RankDir(const RankDir&) = delete;
  RankDir& operator=(const RankDir&) = delete;
  ~RankDir();

  const std::filesystem::path& path() const { return path_; }

  /// The command of a rank: see rank_program.cpp.
  std::vector<std::string> command(
      const std::string& mode, int rank = -1) const;

  /// "" where a rank ended well.
  std::string error(int rank) const;
  int code(int rank) const;
  bool ended(int rank) const;
  /// Between the failure and the end of `rank`.
  int64_t ms_to_stop(int rank) const;
  /// Waits until every rank is in its main function (mode idle).
  bool wait_for_idle(int num_ranks) const;

 private:
  std::filesystem::path path_;
};

/// Starts ranks as a plain launcher would that serves no store.
std::vector<Child> start_ranks(
    int num_ranks, const std::vector<std::string>& command);

/// Waits for all. False if one still runs after 40 s.
bool wait_for_all(std::vector<Child>& ranks);

int free_port();

}  // namespace pp::testing
