#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "loader/archive/checkpoint_state.h"

// Combines what the ranks' folders contain: the leader of each folder tells
// rank 0 which checkpoints and parts the folder has, and rank 0 combines the
// lists. See find.h.

namespace pp {

/// A folder `step_N` in a leader's checkpoint folder. If the `step_N` of
/// several leaders have the same hash, they belong to one checkpoint.
struct Listed {
  int64_t step = 0;
  std::string hash;   ///< hash of state.json
  std::string error;  ///< why state.json can't be read; empty if it can
  /// Whether it was saved before torchrun was started.
  bool of_earlier_launch = false;
  /// Whether it is the newest checkpoint in its folder. The older ones were all
  /// complete at some time.
  bool is_newest = false;

  bool same_as(const Listed& other) const {
    return step == other.step && hash == other.hash && error == other.error;
  }
};

/// Returns the checkpoints of a leader's folder as text.
///
/// this_launch  whether to find out which checkpoints were saved before
///              torchrun was started
std::string list_text(const std::filesystem::path& folder, bool this_launch);
/// Parses a result of list_text().
/// rank    the rank that wrote the text, for messages
/// throws  Error(Runtime): the text is not a result of list_text()
std::vector<Listed> parse_list(const std::string& text, int rank);

std::string listed_text(const Listed& listed);
/// Parses a result of listed_text() that `rank` sent.
/// throws  Error(Runtime): the text is not a result of listed_text()
Listed parse_listed(const std::string& text, int rank);

/// Returns a text that says, for each part of the checkpoint `step_N` at
/// `path`, whether it is present and undamaged. Reads all parts.
std::string contents_text(const std::filesystem::path& path);
/// The text that a leader sends instead of contents_text() if its folder
/// doesn't have the checkpoint.
inline constexpr auto kNoContents = "null";

/// A checkpoint that some leaders have in their folders.
struct Candidate {
  Listed listed;
  bool of_earlier_launch = true;  ///< see Listed; true on all its leaders
  /// Whether a leader says that the checkpoint was complete at some time.
  bool was_whole = false;
};

/// Returns the checkpoints that may be used, newest first. Different
/// checkpoints of one step are in the order of their leaders.
///
/// lists   each rank's list_text(), or "[]" if the rank is not a leader
/// throws  Error(Runtime): a rank sent any other text
std::vector<Candidate> candidates_of(const std::vector<std::string>& lists);

/// A checkpoint combined from the folders of all leaders.
struct Combined {
  std::string state_text;
  CheckpointContent content;
  std::vector<std::vector<int>> holders;  ///< leaders that have each part
  std::vector<CheckpointPart> absent;     ///< parts that no leader has
  std::vector<std::string> faults;        ///< descriptions of the damaged parts

  bool is_whole() const { return absent.empty() && faults.empty(); }
};

/// Combines what the leaders have of one checkpoint.
///
/// contents  each rank's contents_text(), or kNoContents
/// path      the checkpoint's path, for messages
/// throws    Error(Input): the contents belong to different checkpoints;
///           Error(Runtime): a rank sent any other text
Combined combine(
    const std::vector<std::string>& contents,
    const std::filesystem::path& path);

}  // namespace pp
