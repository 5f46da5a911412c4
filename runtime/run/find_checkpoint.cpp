#include "runtime/run/find_checkpoint.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "loader/core/error.h"
#include "runtime/launch/collectives.h"
#include "runtime/launch/failure.h"
#include "runtime/run/checkpoint_offers.h"
#include "runtime/train/checkpoint_folder.h"

namespace pp {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

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
    const std::string own =
        sharing_.leads(context_.rank) ? list_text(folder_, go.at(1)) : "[]";
    own_ = parse_list(own);
    const auto lists = gather_text(context_, own);
    if (context_.rank != 0) {
      return follow();
    }
    for (const std::string& host : gather_text(context_, host_name())) {
      hosts_.insert(host);
    }
    return lead(candidates_of(lists));
  }

 private:
  /// Rank 0's word, to all.
  Json tell(const Json& word) {
    return Json::parse(broadcast_text(context_, word.dump()));
  }

  /// What this rank's folder has of it.
  std::string own_look(const Listed& wanted) const {
    const bool has = std::ranges::any_of(
        own_, [&](const Listed& each) { return each.same_as(wanted); });
    return has ? look_text(checkpoint_path(folder_, wanted.step)) : kNothing;
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
      gather_text(context_, own_look(parse_listed(word.at("look"))));
    }
  }

  std::optional<JobCheckpoint> lead(const std::vector<Candidate>& candidates) {
    for (const Candidate& candidate : candidates) {
      const Listed& listed = candidate.listed;
      if (!listed.error.empty()) {
        pass_over(listed, listed.error);
        continue;
      }
      tell({{"look", listed_text(listed)}});
      const fs::path path = checkpoint_path(folder_, listed.step);
      const Found found =
          put_together(gather_text(context_, own_look(listed)), path);
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
