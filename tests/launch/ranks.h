#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "runtime/launch/child.h"

namespace pp::testing {

/// A temporary folder for the files that the ranks of one test write.
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

  /// The error that a rank ended with; "" if it succeeded.
  std::string error(int rank) const;
  int code(int rank) const;
  bool ended(int rank) const;
  /// Milliseconds from the failure to the end of `rank`.
  int64_t ms_to_stop(int rank) const;
  /// Waits until every rank is in its main function (mode idle).
  bool wait_for_idle(int num_ranks) const;

 private:
  std::filesystem::path path_;
};

/// Starts ranks as a launcher would that serves no store.
std::vector<Child> start_ranks(
    int num_ranks, const std::vector<std::string>& command);

/// Starts one of two ranks, with MASTER_ADDR, MASTER_PORT, ... in `variables`.
Child start_rank(
    int rank,
    const std::vector<std::string>& command,
    std::map<std::string, std::string> variables);

/// Waits for all. Returns false if one still runs after 40 s.
bool wait_for_all(std::vector<Child>& ranks);

int free_port();

}  // namespace pp::testing
