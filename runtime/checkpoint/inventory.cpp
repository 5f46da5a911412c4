#include "runtime/checkpoint/inventory.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <optional>
#include <system_error>

#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/archive/atomic_file.h"
#include "loader/archive/content_hash.h"
#include "loader/core/error.h"
#include "runtime/checkpoint/folder.h"
#include "runtime/checkpoint/reader.h"
#include "runtime/launch/launch_time.h"
#include "runtime/rank/from_rank.h"

namespace pp {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// Verdicts of contents_text() on a part. Any other text says what is wrong.
constexpr auto kWhole = "";
constexpr auto kAbsent = "-";

/// Whether a checkpoint was saved before torchrun was started. If torchrun
/// restarts a run that has saved nothing yet, the run must not continue from a
/// checkpoint that an earlier run left in the folder.
bool is_of_earlier_launch(const fs::path& path) {
  const auto launched = torchrun_start();
  struct stat status {};
  if (!launched || stat(path.c_str(), &status) != 0) {
    return false;
  }
  const auto saved = std::chrono::seconds(status.st_mtim.tv_sec) +
                     std::chrono::nanoseconds(status.st_mtim.tv_nsec);
  return saved < launched->time_since_epoch();
}

constexpr auto kContents = "the contents of its checkpoint folder";

struct Contents {
  std::string state_text;
  std::vector<std::string> verdicts;  ///< by part
};

/// Returns nullopt for kNoContents.
std::optional<Contents> parse_contents(const std::string& text, int rank) {
  return from_rank(text, rank, kContents, [](const Json& json) {
    return json.is_null()
               ? std::nullopt
               : std::optional(Contents{
                     json.at("state").get<std::string>(),
                     json.at("parts").get<std::vector<std::string>>()});
  });
}

/// Writes JSON whose texts needn't be UTF-8: paths in messages hold any bytes.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Throws if this user lacks the permission to read a checkpoint. It may be
/// complete, and a run that skipped it would lose work.
void check_readable(const fs::path& checkpoint) {
  for (const fs::path& path : {checkpoint, checkpoint / kStateFile}) {
    if (access(path.c_str(), R_OK) != 0 && errno == EACCES) {
      throw input_error(
          path.string() + ": " + std::generic_category().message(EACCES));
    }
  }
}

}  // namespace

// nlohmann::json looks for these two functions in the namespace of Listed.
// NOLINTBEGIN(misc-use-anonymous-namespace)
static void to_json(Json& json, const Listed& listed) {
  json = {
      listed.step,
      listed.hash,
      listed.error,
      listed.of_earlier_launch,
      listed.is_newest};
}

static void from_json(const Json& json, Listed& listed) {
  json.at(0).get_to(listed.step);
  json.at(1).get_to(listed.hash);
  json.at(2).get_to(listed.error);
  json.at(3).get_to(listed.of_earlier_launch);
  json.at(4).get_to(listed.is_newest);
}
// NOLINTEND(misc-use-anonymous-namespace)

std::string list_text(const fs::path& folder, bool this_launch) {
  std::vector<Listed> out;
  for (const fs::path& path : list_checkpoints(folder)) {
    Listed& listed = out.emplace_back();
    listed.step = *step_of(path);
    check_readable(path);
    listed.of_earlier_launch = this_launch && is_of_earlier_launch(path);
    try {
      read_checkpoint(path);
      listed.hash = file_hash(path / kStateFile);
    } catch (const Error& error) {
      listed.error = error.what();
    }
  }
  if (!out.empty()) {
    out.back().is_newest = true;
  }
  return dump(out);
}

std::vector<Listed> parse_list(const std::string& text, int rank) {
  return from_rank(text, rank, "its list of checkpoints", [](const Json& json) {
    return json.get<std::vector<Listed>>();
  });
}

std::string listed_text(const Listed& listed) {
  return dump(listed);
}

Listed parse_listed(const std::string& text, int rank) {
  return from_rank(
      text, rank, "the checkpoint to inspect", [](const Json& json) {
        return json.get<Listed>();
      });
}

std::string contents_text(const fs::path& path) {
  std::vector<std::string> parts;
  for (const CheckpointPart& part : read_checkpoint(path).parts) {
    std::error_code ignored;
    std::string& found = parts.emplace_back(kWhole);
    if (!fs::exists(path / part.file, ignored)) {
      found = kAbsent;
      continue;
    }
    try {
      check_part(path, part, Verify::Full);
    } catch (const Error& error) {
      found = error.what();
    }
  }
  return dump({{"state", read_file(path / kStateFile)}, {"parts", parts}});
}

std::vector<Candidate> candidates_of(const std::vector<std::string>& lists) {
  std::vector<Candidate> out;
  for (size_t rank = 0; rank < lists.size(); ++rank) {
    for (const Listed& listed :
         parse_list(lists[rank], static_cast<int>(rank))) {
      auto at = std::ranges::find_if(out, [&](const Candidate& candidate) {
        return candidate.listed.same_as(listed);
      });
      if (at == out.end()) {
        at = out.insert(at, {listed});
      }
      at->of_earlier_launch = at->of_earlier_launch && listed.of_earlier_launch;
      at->was_whole = at->was_whole || !listed.is_newest;
    }
  }
  std::erase_if(out, std::mem_fn(&Candidate::of_earlier_launch));
  std::ranges::stable_sort(out, [](const Candidate& a, const Candidate& b) {
    return a.listed.step > b.listed.step;
  });
  return out;
}

Combined combine(
    const std::vector<std::string>& contents, const fs::path& path) {
  Combined found;
  for (size_t rank = 0; rank < contents.size(); ++rank) {
    const auto own = parse_contents(contents[rank], static_cast<int>(rank));
    if (!own) {
      continue;
    }
    if (found.state_text.empty()) {
      found.state_text = own->state_text;
      found.content = parse_checkpoint(found.state_text, path / kStateFile);
      found.holders.resize(found.content.parts.size());
      found.faults.resize(found.content.parts.size(), kAbsent);
    } else if (own->state_text != found.state_text) {
      throw input_error(
          path.string() + " differs from the checkpoint that rank " +
          std::to_string(rank) +
          " has at that path: their state.json files are not equal");
    }
    if (own->verdicts.size() != found.holders.size()) {
      throw not_from_rank(static_cast<int>(rank), kContents);
    }
    for (size_t part = 0; part < found.holders.size(); ++part) {
      const std::string& verdict = own->verdicts[part];
      if (verdict == kWhole) {
        found.holders[part].push_back(static_cast<int>(rank));
      } else if (verdict != kAbsent) {
        found.faults[part] = verdict;
      }
    }
  }
  for (size_t part = 0; part < found.holders.size(); ++part) {
    if (!found.holders[part].empty()) {
      found.faults[part] = "";
    } else if (found.faults[part] == kAbsent) {
      found.faults[part] = "";
      found.absent.push_back(found.content.parts[part]);
    }
  }
  std::erase(found.faults, "");
  return found;
}

}  // namespace pp
