#include "runtime/run/start_check.h"

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "loader/core/error.h"
#include "runtime/checkpoint/find.h"
#include "runtime/checkpoint/folder.h"
#include "runtime/checkpoint/reader.h"
#include "runtime/checkpoint/resume.h"
#include "runtime/plan/name_patterns.h"
#include "runtime/training/gradients.h"
#include "runtime/training/updates.h"

namespace pp {

namespace {

bool is_on_several_hosts(const std::optional<EnvRanks>& env) {
  return env && env->local_size < env->size;
}

/// Whether the folder lacks parts of a checkpoint that a host saved into a
/// folder of its own.
bool lacks_parts_of_hosts(const std::filesystem::path& folder) {
  return std::ranges::any_of(list_checkpoints(folder), [](const auto& path) {
    try {
      const CheckpointContent content = read_checkpoint(path);
      return std::ranges::any_of(content.parts, [&](const auto& part) {
        std::error_code ignored;
        return !part.host.empty() &&
               !std::filesystem::exists(path / part.file, ignored);
      });
    } catch (const Error&) {
      return false;  // the search skips it and says why
    }
  });
}

std::optional<JobCheckpoint> find_resumed(
    const Plan& plan, RankContext& context, const RunOptions& options) {
  const std::filesystem::path folder = checkpoint_folder(plan.output);
  if (!plan.trains() ||
      (is_on_several_hosts(options.env) && lacks_parts_of_hosts(folder))) {
    return std::nullopt;
  }
  return find_checkpoint_to_resume(
      context,
      folder,
      FolderSharing::all_in_one(context.size),
      resume_point(options.resume, options.env));
}

/// The parameters of a stage that the job trains.
std::vector<NamedParameter> trained_parameters(
    const Plan& plan, RankStages& stage) {
  std::vector<NamedParameter> trained;
  for (const auto& [index, parameters] : trainable_parameters(stage.stages())) {
    for (const NamedParameter& each : parameters) {
      if (!has_match(each.fqn, each.aliases, plan.train->freeze)) {
        trained.push_back(each);
      }
    }
  }
  return trained;
}

}  // namespace

StartCheck::StartCheck(
    const Plan& plan,
    RankContext& context,
    const RunOptions& options,
    const std::string& data_order)
    : plan_(plan) {
  if (auto checkpoint = find_resumed(plan, context, options)) {
    check_resume_contract(
        resume_contract(
            *plan.train, plan.loss_output, plan.data.batch_size, data_order),
        checkpoint->state(),
        checkpoint->path());
    where_ = checkpoint->path().string();
    resumed_ = checkpoint->state();
    find_ = checkpoint->lookup({});  // the only rank has all parts
  } else if (plan.initial_weights) {
    const auto reader = std::make_shared<const CheckpointReader>(
        *plan.initial_weights, Verify::Quick);
    where_ = reader->path().string();
    find_ = [reader](const std::string& name) {
      return reader->try_find(name);
    };
  }
}

void StartCheck::load(RankStages& stage) const {
  std::unique_ptr<Optimizer> optimizer;
  if (plan_.trains()) {
    optimizer = make_optimizer(
        plan_.train->optimizer, trained_parameters(plan_, stage));
  }
  if (find_) {
    stage.load(find_, where_);
  }
  if (resumed_) {
    optimizer->check_state(
        find_, may_lack_state(plan_.train->optimizer, *resumed_));
  }
}

}  // namespace pp
