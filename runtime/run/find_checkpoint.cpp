#include "runtime/run/find_checkpoint.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <set>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "loader/archive/atomic_file.h"
#include "loader/core/error.h"
#include "runtime/launch/collectives.h"
#include "runtime/launch/failure.h"
#include "runtime/launch/launch_time.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/checkpoint_folder.h"
#include "runtime/train/content_hash.h"

namespace pp {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// A run that torchrun restarts before its own first checkpoint must not go on
/// from what an earlier run left in the folder.
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

void to_json(Json& json, const Listed& listed) {
  json = {
      listed.step,
      listed.hash,
      listed.error,
      listed.of_earlier_launch,
      listed.is_newest};
}

void from_json(const Json& json, Listed& listed) {
  json.at(0).get_to(listed.step);
  json.at(1).get_to(listed.hash);
  json.at(2).get_to(listed.error);
  json.at(3).get_to(listed.of_earlier_launch);
  json.at(4).get_to(listed.is_newest);
}

std::vector<Listed> list(const fs::path& folder, bool this_launch) {
  std::vector<Listed> out;
  for (const fs::path& path : list_checkpoints(folder)) {
    Listed& listed = out.emplace_back();
    listed.step = *step_of(path);
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
  return out;
}

/// What a leader's folder has of a checkpoint.
struct Look {
  std::string state_text;
  std::vector<std::string>
      parts;  ///< of each: kWhole, kAbsent or what is wrong
};
constexpr auto kWhole = "";
constexpr auto kAbsent = "-";

Look look_at(const fs::path& path) {
  Look look{read_file(path / kStateFile), {}};
  for (const CheckpointPart& part : read_checkpoint(path).parts) {
    std::error_code ignored;
    std::string& found = look.parts.emplace_back(kWhole);
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
  return look;
}

/// A checkpoint in some leaders' folders, and what they say of it.
struct Candidate {
  Listed listed;
  bool of_earlier_launch = true;  ///< for all that have it
  bool was_whole = false;
};

/// The newest first; by the order of leaders where two differ.
std::vector<Candidate> candidates_of(const std::vector<std::string>& lists) {
  std::vector<Candidate> out;
  for (const std::string& text : lists) {
    for (const Listed& listed : Json::parse(text).get<std::vector<Listed>>()) {
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

/// A checkpoint put together from the folders of all.
struct Found {
  std::string state_text;
  CheckpointContent content;
  std::vector<std::vector<int>> holders;  ///< by part: leaders
  std::vector<CheckpointPart> absent;     ///< nobody has them
  std::vector<std::string> faults;        ///< of parts that nobody has whole

  bool is_whole() const { return absent.empty() && faults.empty(); }
};

Found put_together(
    const std::vector<std::string>& looks, const fs::path& path) {
  Found found;
  for (size_t rank = 0; rank < looks.size(); ++rank) {
    const Json look = Json::parse(looks[rank]);
    if (look.is_null()) {
      continue;
    }
    if (found.state_text.empty()) {
      found.state_text = look.at("state");
      found.content = parse_checkpoint(found.state_text, path / kStateFile);
      found.holders.resize(found.content.parts.size());
      found.faults.resize(found.content.parts.size(), kAbsent);
    }
    for (size_t part = 0; part < found.holders.size(); ++part) {
      const std::string is = look.at("parts").at(part);
      if (is == kWhole) {
        found.holders[part].push_back(static_cast<int>(rank));
      } else if (is != kAbsent) {
        found.faults[part] = is;
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

std::string missing_text(std::span<const CheckpointPart> parts) {
  return (parts.size() == 1 ? "a part of it is missing: "
                            : "parts of it are missing: ") +
         parts_text(parts);
}

/// One side of the search: rank 0 leads it, the other leaders look at what it
/// asks for.
class Search {
 public:
  Search(
      RankContext& context,
      const fs::path& folder,
      const FolderSharing& sharing,
      const ResumePoint& point)
      : context_(context), folder_(folder), sharing_(sharing), point_(point) {}

  std::optional<JobCheckpoint> run() {
    const Json go = tell({point_.resume != Resume::No, point_.this_launch});
    if (!go.at(0)) {
      return std::nullopt;
    }
    own_ = leads() ? list(folder_, go.at(1)) : std::vector<Listed>();
    const auto lists = gather_text(context_, Json(own_).dump());
    if (context_.rank != 0) {
      return follow();
    }
    for (const std::string& host : gather_text(context_, host_name())) {
      hosts_.insert(host);
    }
    return lead(candidates_of(lists));
  }

 private:
  bool leads() const { return sharing_.leads(context_.rank); }

  /// Rank 0's word, to all.
  Json tell(const Json& word) {
    return Json::parse(broadcast_text(context_, word.dump()));
  }

  /// What this rank's folder has of it, as JSON; null: nothing.
  Json own_look(const Listed& wanted) const {
    const bool has = std::ranges::any_of(
        own_, [&](const Listed& each) { return each.same_as(wanted); });
    if (!has) {
      return nullptr;
    }
    const Look look = look_at(checkpoint_path(folder_, wanted.step));
    return {{"state", look.state_text}, {"parts", look.parts}};
  }

  JobCheckpoint use(const Json& word) {
    const std::string text = word.at("state");
    CheckpointContent content = parse_checkpoint(text, folder_ / kStateFile);
    const fs::path path = checkpoint_path(folder_, content.state.step);
    return {
        context_,
        path,
        std::move(content),
        sharing_,
        word.at("holders").get<std::vector<std::vector<int>>>()};
  }

  std::optional<JobCheckpoint> follow() {
    gather_text(context_, host_name());
    while (true) {
      const Json word = tell(nullptr);
      if (word.is_null()) {
        return std::nullopt;
      }
      if (word.contains("state")) {
        return use(word);
      }
      gather_text(context_, own_look(word.at("look").get<Listed>()).dump());
    }
  }

  std::optional<JobCheckpoint> lead(const std::vector<Candidate>& candidates) {
    for (const Candidate& candidate : candidates) {
      const Listed& listed = candidate.listed;
      if (!listed.error.empty()) {
        pass_over(listed, listed.error);
        continue;
      }
      tell({{"look", listed}});
      const fs::path path = checkpoint_path(folder_, listed.step);
      const Found found =
          put_together(gather_text(context_, own_look(listed).dump()), path);
      if (found.is_whole()) {
        const Json word = {
            {"state", found.state_text}, {"holders", found.holders}};
        tell(word);
        return use(word);
      }
      note_fault(candidate, found, path);
    }
    refuse_to_start_anew();
    tell(nullptr);
    return std::nullopt;
  }

  void pass_over(const Listed& listed, const std::string& why) {
    context_.log.warning(
        "checkpoint step_" + std::to_string(listed.step) +
        " is passed over: " + why);
  }

  void note_fault(
      const Candidate& candidate, const Found& found, const fs::path& path) {
    std::string why =
        found.faults.empty() ? "" : found.faults.front();  // one says enough
    if (!found.absent.empty()) {
      why = missing_text(found.absent);
      const bool gone =
          candidate.was_whole ||
          std::ranges::any_of(found.absent, [this](const auto& part) {
            return !part.host.empty() && !hosts_.contains(part.host);
          });
      const bool elsewhere = !found.absent.front().host.empty();
      if (elsewhere && missing_.empty() &&
          (gone || point_.resume == Resume::Yes)) {
        missing_ = path.string() + ": " + why;
      }
    }
    pass_over(candidate.listed, why);
  }

  void refuse_to_start_anew() {
    if (!missing_.empty()) {
      throw input_error(
          missing_ +
          ", and no host of this job has them: bring that host back, or copy "
          "them into that folder on any host of the job" +
          (point_.resume == Resume::Yes
               ? std::string()
               : "; to start anew, move the checkpoints away"));
    }
    if (point_.resume == Resume::Yes) {
      throw input_error(
          folder_.string() +
          " has no checkpoint to resume from; run without --resume to start, "
          "or with --resume-if-any to start where there is none");
    }
  }

  RankContext& context_;
  const fs::path& folder_;
  const FolderSharing& sharing_;
  const ResumePoint& point_;
  std::vector<Listed> own_;
  std::set<std::string> hosts_;  ///< of the job
  std::string missing_;  ///< of the newest that could be whole, and is not
};

}  // namespace

std::optional<JobCheckpoint> checkpoint_to_resume(
    RankContext& context,
    const fs::path& folder,
    const FolderSharing& sharing,
    const ResumePoint& point) {
  return Search(context, folder, sharing, point).run();
}

}  // namespace pp
