#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "loader/archive/checkpoint_state.h"

// What the leaders of a job's folders have of its checkpoints, as they tell it
// to rank 0, and what that makes together. See find_checkpoint.h.

namespace pp {

/// A `step_N` in a leader's folder. Two with the same hash are of one
/// checkpoint.
struct Listed {
  int64_t step = 0;
  std::string hash;   ///< of state.json
  std::string error;  ///< state.json can't be read
  bool of_earlier_launch = false;
  bool is_newest = false;  ///< of its folder: the others were whole once

  bool same_as(const Listed& other) const {
    return step == other.step && hash == other.hash && error == other.error;
  }
};

/// Those of a leader's folder, as a text.
/// this_launch  whether it is of use to know what was saved before torchrun was
///              started
std::string list_text(const std::filesystem::path& folder, bool this_launch);
std::vector<Listed> parse_list(const std::string& text);

std::string listed_text(const Listed& listed);
Listed parse_listed(const std::string& text);

/// What the folder `step_N` has of the checkpoint, as a text: of each part
/// whether it is there, and undamaged. Reads all of them.
std::string look_text(const std::filesystem::path& path);
/// The same where there is no such folder.
inline constexpr auto kNothing = "null";

/// A checkpoint in some leaders' folders, and what they say of it.
struct Candidate {
  Listed listed;
  bool of_earlier_launch = true;  ///< for all that have it
  bool was_whole = false;
};

/// The newest first; by the order of leaders where two differ.
/// lists  of list_text(), by rank; empty: no leader
std::vector<Candidate> candidates_of(const std::vector<std::string>& lists);

/// A checkpoint put together from the folders of all.
struct Found {
  std::string state_text;
  CheckpointContent content;
  std::vector<std::vector<int>> holders;  ///< by part: leaders
  std::vector<CheckpointPart> absent;     ///< nobody has them
  std::vector<std::string> faults;        ///< of parts that nobody has whole

  bool is_whole() const { return absent.empty() && faults.empty(); }
};

/// looks   of look_text(), or kNothing, by rank
/// path    for messages
/// throws  Error(Input): they are of different checkpoints
Found put_together(
    const std::vector<std::string>& looks, const std::filesystem::path& path);

}  // namespace pp
