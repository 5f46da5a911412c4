#include "runtime/checkpoint/find.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "loader/core/error.h"
#include "runtime/checkpoint/folder.h"
#include "runtime/checkpoint/inventory.h"
#include "runtime/rank/collectives.h"
#include "runtime/rank/failure.h"
#include "runtime/rank/from_rank.h"

namespace pp {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::string missing_text(std::span<const CheckpointPart> parts) {
  return (parts.size() == 1 ? "a part of it is missing: "
                            : "parts of it are missing: ") +
         parts_text(parts);
}

constexpr auto kRequest = "the checkpoint to resume from";

/// The checkpoint that rank 0 chose.
struct Decision {
  std::string state_text;
  std::vector<std::vector<int>> holders;  ///< by part: leaders that have it
};

/// One rank's side of the search. Rank 0 leads it, and the other leaders report
/// on the checkpoints it asks for.
class Search {
  /// Broadcasts the JSON that rank 0 passes. On every rank, returns what `read`
  /// makes of it.
  template <typename Read>
  auto from_rank_0(const Json& value, const std::string& what, Read read) {
    return from_rank(broadcast_text(patient_, value.dump()), 0, what, read);
  }

 public:
  Search(
      RankContext& context,
      const fs::path& folder,
      const FolderSharing& sharing,
      const ResumePoint& point)
      : context_(context),
        patient_(for_disk_waits(context)),
        folder_(folder),
        sharing_(sharing),
        point_(point) {}

  std::optional<JobCheckpoint> run() {
    const auto [resumes, this_launch] = from_rank_0(
        {point_.resume != Resume::No, point_.this_launch},
        "its setting of --resume",
        [](const Json& point) {
          return std::pair<bool, bool>(point.at(0), point.at(1));
        });
    if (!resumes) {
      return std::nullopt;
    }
    const std::string own =
        sharing_.leads(context_.rank) ? list_text(folder_, this_launch) : "[]";
    own_ = parse_list(own, context_.rank);
    const auto lists = gather_text(patient_, own);
    if (context_.rank != 0) {
      return follow();
    }
    for (const std::string& host : gather_text(patient_, host_name())) {
      hosts_.insert(host);
    }
    return lead(candidates_of(lists));
  }

 private:
  /// Tells the other leaders which checkpoint to look at or to open.
  void tell(const Json& request) { broadcast_text(patient_, request.dump()); }

  /// Returns contents_text() of a checkpoint in this rank's folder.
  std::string own_contents(const Listed& wanted) const {
    const bool has = std::ranges::any_of(
        own_, [&](const Listed& each) { return each.same_as(wanted); });
    return has ? contents_text(checkpoint_path(folder_, wanted.step))
               : kNoContents;
  }

  JobCheckpoint open(const Decision& decision) {
    CheckpointContent content =
        parse_checkpoint(decision.state_text, folder_ / kStateFile);
    if (decision.holders.size() != content.parts.size()) {
      throw not_from_rank(0, kRequest);
    }
    const fs::path path = checkpoint_path(folder_, content.state.step);
    return {context_, path, std::move(content), sharing_, decision.holders};
  }

  std::optional<JobCheckpoint> follow() {
    gather_text(patient_, host_name());
    while (true) {
      const auto [look, decision] =
          from_rank_0(nullptr, kRequest, [](const Json& request) {
            std::pair<std::optional<Listed>, std::optional<Decision>> out;
            if (request.contains("state")) {
              out.second = {
                  request.at("state"),
                  request.at("holders").get<std::vector<std::vector<int>>>()};
            } else if (!request.is_null()) {
              out.first = parse_listed(request.at("look"), 0);
            }
            return out;
          });
      if (decision) {
        return open(*decision);
      }
      if (!look) {
        return std::nullopt;
      }
      gather_text(patient_, own_contents(*look));
    }
  }

  std::optional<JobCheckpoint> lead(const std::vector<Candidate>& candidates) {
    for (const Candidate& candidate : candidates) {
      const Listed& listed = candidate.listed;
      if (!listed.error.empty()) {
        skip(listed, listed.error);
        continue;
      }
      tell({{"look", listed_text(listed)}});
      const fs::path path = checkpoint_path(folder_, listed.step);
      const Combined found =
          combine(gather_text(patient_, own_contents(listed)), path);
      if (found.is_whole()) {
        tell({{"state", found.state_text}, {"holders", found.holders}});
        return open({found.state_text, found.holders});
      }
      note_fault(candidate, found, path);
    }
    check_may_start_anew();
    tell(nullptr);
    return std::nullopt;
  }

  void skip(const Listed& listed, const std::string& why) {
    context_.log.warning(
        "checkpoint step_" + std::to_string(listed.step) +
        " is skipped: " + why);
  }

  void note_fault(
      const Candidate& candidate, const Combined& found, const fs::path& path) {
    std::string why =
        found.faults.empty() ? "" : found.faults.front();  // one is enough
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
    skip(candidate.listed, why);
  }

  void check_may_start_anew() {
    if (!missing_.empty()) {
      throw input_error(
          missing_ +
          "; no host of this job has what is missing: bring back the host that "
          "saved it, or copy it into that folder on any host of the job" +
          (point_.resume == Resume::Yes
               ? std::string()
               : "; to start a new run, move the checkpoints away"));
    }
    if (point_.resume == Resume::Yes) {
      throw nothing_to_resume(folder_);
    }
  }

  RankContext& context_;
  RankContext patient_;  ///< waits longer: leaders hash whole checkpoints
  const fs::path& folder_;
  const FolderSharing& sharing_;
  const ResumePoint& point_;
  std::vector<Listed> own_;
  std::set<std::string> hosts_;  ///< the job's hosts; known on rank 0 only
  /// The lost parts of the newest checkpoint; empty if none are lost.
  std::string missing_;
};

}  // namespace

std::optional<JobCheckpoint> find_checkpoint_to_resume(
    RankContext& context,
    const fs::path& folder,
    const FolderSharing& sharing,
    const ResumePoint& point) {
  return Search(context, folder, sharing, point).run();
}

}  // namespace pp
