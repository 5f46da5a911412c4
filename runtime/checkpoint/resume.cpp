#include "runtime/checkpoint/resume.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "loader/archive/content_hash.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/checkpoint/earlier_run.h"
#include "runtime/checkpoint/folder.h"
#include "runtime/job/document.h"

namespace pp {

namespace {

std::string paths_text(const std::vector<std::filesystem::path>& paths) {
  std::vector<std::string> texts;
  for (const std::filesystem::path& path : paths) {
    texts.push_back(path.string());
  }
  return join(texts);
}

std::string loss_text(const LossConfig& loss) {
  if (!loss.path.empty()) {
    return loss.path.filename().string();
  }
  return loss.kind ? std::string(enum_name(*loss.kind)) : "the model's";
}

/// "none", or a hash of the weights.
std::string class_weights_text(const ClassWeights& weights) {
  if (!weights.path.empty()) {
    return file_hash(weights.path);
  }
  return weights.is_set()
             ? content_hash(std::as_bytes(std::span(weights.values)))
             : "none";
}

/// The job-file key for an entry of resume_contract().
std::string job_key(const std::string& entry) {
  constexpr std::array<std::pair<std::string_view, const char*>, 10> kKeys = {
      {{"optimizer", "train.optimizer.name"},
       {"loss", "train.loss"},
       {"loss_output", "train.loss.output"},
       {"loss_file", "the hash of train.loss.path"},
       {"label_smoothing", "train.loss.label_smoothing"},
       {"class_weights", "the hash of train.loss.weights"},
       {"ema_decay", "train.ema.decay"},
       {"seed", "train.seed"},
       {"batch_size", "data.batch_size"},
       {"accumulate", "train.accumulate"}}};
  for (const auto& [name, key] : kKeys) {
    if (name == entry) {
      return key;
    }
  }
  return entry;
}

bool same_apart_from_data(
    const std::map<std::string, std::string>& contract,
    const CheckpointState& saved) {
  return std::ranges::all_of(contract, [&](const auto& entry) {
    const auto found = saved.job.find(entry.first);
    return entry.first == "data" || found == saved.job.end() ||
           found->second == entry.second;
  });
}

}  // namespace

std::filesystem::path checkpoint_folder(const OutputConfig& output) {
  return output.dir / "checkpoints";
}

ResumePoint resume_point(Resume asked, const std::optional<EnvRanks>& env) {
  if (env && env->restart_count > 0 && asked == Resume::No) {
    return {Resume::IfAny, true};
  }
  return {env && env->restart_count > 0 ? Resume::IfAny : asked, false};
}

std::string how_to_resume(const OutputConfig& output) {
  const auto saved = list_checkpoints(checkpoint_folder(output));
  return saved.empty() ? "there is no checkpoint yet"
                       : "--resume continues from " + saved.back().string();
}

Error nothing_to_resume(const std::filesystem::path& folder) {
  return input_error(
      folder.string() +
      " has no checkpoint to resume from; to start a new run, run "
      "without --resume or with --resume-if-any");
}

std::map<std::string, std::string> resume_contract(
    const TrainConfig& train,
    const std::string& loss_output,
    int64_t batch_size,
    const std::string& data_order) {
  std::map<std::string, std::string> contract = {
      {"optimizer", std::string(enum_name(train.optimizer.kind))},
      {"loss", loss_text(train.loss)},
      {"seed", std::to_string(train.seed)},
      {"batch_size", std::to_string(batch_size)},
      {"accumulate", std::to_string(train.accumulate)},
      {"loss_output", loss_output},
      {"data", data_order}};
  contract.emplace(
      "label_smoothing", toml_number_text(train.loss.label_smoothing));
  contract.emplace("class_weights", class_weights_text(train.loss.weights));
  const std::optional<double>& decay = train.optimizer.ema_decay;
  contract.emplace("ema_decay", decay ? toml_number_text(*decay) : "none");
  if (!train.loss.path.empty()) {
    contract.emplace("loss_file", file_hash(train.loss.path));
  }
  return contract;
}

void check_resume_contract(
    const std::map<std::string, std::string>& contract,
    const CheckpointState& saved,
    const std::filesystem::path& path) {
  std::vector<std::string> differences;
  for (const auto& [key, value] : contract) {
    const auto found = saved.job.find(key);
    if (found != saved.job.end() && found->second != value) {
      // If another entry differs, the rows may differ because of it.
      if (key == "data" && !same_apart_from_data(contract, saved)) {
        continue;
      }
      differences.push_back(
          job_key(key) + " = " + found->second + ", but the job has " + value);
    }
  }
  if (!differences.empty()) {
    throw usage_error(
        path.string() + " was saved with " + join(differences, "; with ") +
        ": the job can't continue that run; restore the saved settings, or "
        "start a new run from this checkpoint with model.checkpoint");
  }
}

void make_way_for_run(
    const OutputConfig& output, bool overwrite, const Log& log) {
  const EarlierRun run = overwrite ? remove_run(output.dir)
                                   : set_run_aside(output.dir, output.keep);
  if (!run.now.empty()) {
    log.warning(
        output.dir.string() +
        " held files of an earlier run; they are now in " +
        paths_text(run.now));
  }
  if (!run.removed.empty()) {
    log.warning(
        std::string("removed the files of an earlier run: ") +
        paths_text(run.removed) +
        (overwrite ? " (--overwrite)"
                   : " (output.keep = " + std::to_string(output.keep) + ")"));
  }
}

}  // namespace pp
