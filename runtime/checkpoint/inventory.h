#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "loader/archive/checkpoint_state.h"

// The leader of each folder tells rank 0 which checkpoints and parts it has,
// and rank 0 combines the lists. See find.h.

namespace pp {

/// A `step_N` in a leader's folder. Entries with the same hash belong to one
/// checkpoint.
struct Listed {
  int64_t step = 0;
  std::string hash;   ///< of state.json
  std::string error;  ///< why state.json can't be read; empty: it can
  bool of_earlier_launch = false;  ///< saved before torchrun was started
  /// Whether it is the newest in its folder. The older ones were complete once.
  bool is_newest = false;

  bool same_as(const Listed& other) const {
    return step == other.step && hash == other.hash && error == other.error;
  }
};

/// Lists the checkpoints of a leader's folder, as text.
///
/// this_launch  whether to find out which were saved before torchrun was
///              started
std::string list_text(const std::filesystem::path& folder, bool this_launch);
/// Parses a list_text().
/// rank    the rank that wrote the text, for messages
/// throws  Error(Runtime): the text is not such a list
std::vector<Listed> parse_list(const std::string& text, int rank);

std::string listed_text(const Listed& listed);
/// Parses a listed_text() that `rank` wrote.
/// throws  Error(Runtime): the text is something else
Listed parse_listed(const std::string& text, int rank);

/// Describes the content of a folder `step_N` as text: for each part of the
/// checkpoint, whether it is there and undamaged. Reads all parts.
std::string contents_text(const std::filesystem::path& path);
/// Replaces contents_text() if a leader has no such folder.
inline constexpr auto kNoContents = "null";

/// A checkpoint that some leaders have in their folders.
struct Candidate {
  Listed listed;
  bool of_earlier_launch = true;  ///< every leader that has it says so
  bool was_whole = false;         ///< a leader says it was complete once
};

/// Returns the checkpoints that may be used, newest first. Those of the same
/// step are in the order of their leaders.
///
/// lists  by rank: its list_text(), or "[]" if the rank is not a leader
/// throws Error(Runtime): a rank sent something else
std::vector<Candidate> candidates_of(const std::vector<std::string>& lists);

/// A checkpoint combined from the folders of all leaders.
struct Combined {
  std::string state_text;
  CheckpointContent content;
  std::vector<std::vector<int>> holders;  ///< by part: leaders that have it
  std::vector<CheckpointPart> absent;     ///< parts that nobody has
  std::vector<std::string> faults;        ///< what is wrong with damaged parts

  bool is_whole() const { return absent.empty() && faults.empty(); }
};

/// Combines what the leaders have of one checkpoint.
///
/// contents  by rank: its contents_text(), or kNoContents
/// path      for messages
/// throws    Error(Input): they belong to different checkpoints
///           Error(Runtime): a rank sent something else
Combined combine(
    const std::vector<std::string>& contents,
    const std::filesystem::path& path);

}  // namespace pp
