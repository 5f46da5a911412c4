#include <array>
#include <deque>

#include "runtime/job/fields.h"

namespace pp {
namespace {

constexpr std::array kTrainFields = {
    field<&TrainConfig::steps>(
        {.path = "train.steps",
         .default_note = "one of `steps` and `epochs` is required",
         .unit = "steps",
         .meaning = "Number of updates in the whole run; 0: evaluate only.",
         .min = 0,
         .max = 1e12}),
    field<&TrainConfig::epochs>(
        {.path = "train.epochs",
         .default_note = "one of `steps` and `epochs` is required",
         .unit = "epochs",
         .meaning = "Passes over the data.",
         .min = 1,
         .max = 1e9}),
    field<&TrainConfig::accumulate>(
        {.path = "train.accumulate",
         .unit = "steps",
         .meaning = "Pipeline steps per update.",
         .min = 1,
         .max = kLargestCount}),
    // Read with the optimizer, whose options it overrides.
    Field<TrainConfig>{
        .key =
            {.path = "train.groups",
             .meaning = "Other optimizer options for parameters whose name "
                        "matches `match` (`*`, `?`); the first group that "
                        "matches applies.",
             .types = kTableList},
        .default_value = [] { return std::string("[]"); }},
    field<&TrainConfig::freeze>(
        {.path = "train.freeze",
         .meaning = "Patterns (`*`, `?`) of parameters that are not "
                    "trained."}),
    field<&TrainConfig::clip_grad_norm>(
        {.path = "train.clip_grad_norm",
         .default_note = "none",
         .meaning = "Largest norm of all gradients together; larger ones are "
                    "scaled down.",
         .min = 0,
         .above_min = true}),
    field<&TrainConfig::precision>(
        {.path = "train.precision",
         .meaning = "Type in which autocast computes the forward; parameters, "
                    "gradients and optimizer state keep their types. `fp16`: "
                    "the loss is scaled as `torch.amp.GradScaler` does."}),
    field<&TrainConfig::on_nan>(
        {.path = "train.on_nan",
         .meaning = "After a step whose loss, gradients or buffers hold NaN or "
                    "infinity: end the run, skip the step's update, or update "
                    "anyway."}),
    field<&TrainConfig::seed>(
        {.path = "train.seed",
         .meaning = "Seeds the order of the data and the random operators.",
         .min = 0})};

constexpr std::array kLossFields = {
    field<&LossConfig::kind>(
        {.path = "train.loss.name",
         .default_note = "none: the graph's own loss",
         .meaning = "Built-in loss of an output and the target."}),
    field<&LossConfig::output>(
        {.path = "train.loss.output",
         .default_note = "the only floating-point output",
         .meaning = "The output that the loss reads; without `name` and "
                    "`path`, it is the loss."}),
    field<&LossConfig::path>(
        {.path = "train.loss.path",
         .default_note = "none",
         .meaning = "A loss graph (`.pt2`) of an output and the target."})};

constexpr std::array kOptimizerFields = {field<&OptimizerConfig::kind>(
    {.path = "train.optimizer.name",
     .default_note = "required, unless `train.steps` is 0",
     .meaning = "The update rule, as in `torch.optim`."})};

constexpr std::array kLrScheduleFields = {
    field<&LrSchedule::shape>(
        {.path = "train.lr_schedule.name",
         .meaning = "How the learning rate changes after the warm-up."}),
    field<&LrSchedule::warmup>(
        {.path = "train.lr_schedule.warmup",
         .unit = "steps",
         .meaning = "Steps over which the learning rate rises to "
                    "`optimizer.lr`.",
         .min = 0,
         .max = 1e12}),
    field<&LrSchedule::min_lr>(
        {.path = "train.lr_schedule.min_lr",
         .meaning = "Learning rate at which `linear` and `cosine` end.",
         .min = 0})};

std::string default_of(
    const OptimizerOption& option, const OptimizerOptions& defaults) {
  return std::visit(
      [&](auto member) {
        const auto& value = defaults.*member;
        return Codec<std::remove_cvref_t<decltype(value)>>::text(value);
      },
      option.member);
}

/// "a, b and c"
std::string enumerate(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  }
  return text;
}

/// "Used by `adam` and `adamw`." where some optimizers lack the option.
std::string meaning_of(const OptimizerOption& option) {
  std::vector<std::string> names;
  for (const OptimizerRow& row : kOptimizers) {
    if (row.has_option(option.name)) {
      names.push_back("`" + std::string(row.name) + "`");
    }
  }
  std::string meaning(option.meaning);
  if (names.size() < kOptimizers.size()) {
    meaning +=
        (meaning.empty() ? "" : " ") + ("Used by " + enumerate(names)) + ".";
  }
  return meaning;
}

/// "0.01 for `adamw`, else 0" where optimizers differ; else empty.
std::string default_note_of(const OptimizerOption& option) {
  const std::string usual = default_of(option, {});
  std::string note;
  for (const OptimizerRow& row : kOptimizers) {
    const std::string own = default_of(option, row.defaults);
    if (own != usual) {
      note += own + " for `" + std::string(row.name) + "`, ";
    }
  }
  return note.empty() ? "" : note + "else " + usual;
}

/// The keys, and the texts that they are views of.
class OptimizerOptionKeys {
 public:
  OptimizerOptionKeys() {
    for (const OptimizerOption& option : optimizer_options()) {
      keys_.push_back(key_of(option));
    }
  }

  std::span<const JobKey> keys() const { return keys_; }

 private:
  JobKey key_of(const OptimizerOption& option) {
    JobKey key;
    key.path = keep("train.optimizer." + std::string(option.name));
    key.meaning = keep(meaning_of(option));
    key.default_note = keep(default_note_of(option));
    if (key.default_note.empty()) {
      key.default_value = keep(default_of(option, {}));
    }
    key.types = std::visit(
        [](auto member) {
          return Codec<typename MemberTraits<decltype(member)>::Value>::kTypes;
        },
        option.member);
    if (option.min) {
      key.min = *option.min;
    }
    if (option.below) {
      key.max = *option.below;
      key.below_max = true;
    }
    return key;
  }

  std::string_view keep(std::string text) {
    return texts_.emplace_back(std::move(text));
  }

  std::deque<std::string> texts_;
  std::vector<JobKey> keys_;
};

}  // namespace

std::span<const Field<TrainConfig>> train_fields() {
  return kTrainFields;
}

std::span<const Field<LossConfig>> loss_fields() {
  return kLossFields;
}

std::span<const Field<OptimizerConfig>> optimizer_fields() {
  return kOptimizerFields;
}

std::span<const Field<LrSchedule>> lr_schedule_fields() {
  return kLrScheduleFields;
}

std::span<const JobKey> optimizer_option_keys() {
  static const OptimizerOptionKeys table;
  return table.keys();
}

}  // namespace pp
