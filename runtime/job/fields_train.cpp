#include <array>
#include <deque>

#include "runtime/job/duration.h"
#include "runtime/job/fields.h"

namespace pp {
namespace {

constexpr std::array<std::string_view, 1> kSeedWords = {"clock"};

void read_seed(
    const toml::node& node,
    const std::filesystem::path& folder,
    TrainConfig& train) {
  train.seed_from_clock = node.is_string();
  train.seed = Codec<uint64_t>::read(node, folder);
}

/// A number of seconds, or "2h30m".
void read_max_time(
    const toml::node& node,
    const std::filesystem::path& folder,
    TrainConfig& train) {
  if (!node.is_string()) {
    train.max_time = Codec<std::chrono::milliseconds>::read(node, folder);
    return;
  }
  const std::string text = Codec<std::string>::read(node, folder);
  train.max_time = try_parse_duration(text);
  if (!train.max_time) {
    throw usage_error(
        place_text(node.source()) + "train.max_time: '" + text +
        "' is no duration; write seconds, or days, hours, minutes and seconds "
        "as in \"1d12h\", \"2h30m\" or \"90s\"");
  }
}

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
    Field<TrainConfig>{
        .key =
            {.path = "train.seed",
             .meaning = "Seeds the order of the data and the random "
                        "operators; `clock`: another one in each run, which a "
                        "resumed run continues with.",
             .min = 0,
             .types = kInteger | kString,
             .choices = kSeedWords},
        .read = read_seed,
        .default_value = [] { return std::string("0"); }},
    Field<TrainConfig>{
        .key =
            {.path = "train.max_time",
             .default_note = "none",
             .unit = "seconds",
             .meaning = "After this time, or a text such as `\"2h30m\"`, the "
                        "training finishes its step, saves a checkpoint and "
                        "ends with exit code 0; each start of the job counts "
                        "from 0.",
             .min = 0,
             .max = 1e9,
             .above_min = true,
             .types = kNumber | kString},
        .read = read_max_time}};

constexpr std::array kEarlyStopFields = {
    field<&EarlyStop::metric>(
        {.path = "train.early_stop.metric",
         .meaning = "The number of the evaluations that has to improve."}),
    field<&EarlyStop::patience>(
        {.path = "train.early_stop.patience",
         .unit = "evaluations",
         .meaning = "Evaluations in a row without an improvement that end the "
                    "training.",
         .min = 1,
         .max = kLargestCount}),
    field<&EarlyStop::min_delta>(
        {.path = "train.early_stop.min_delta",
         .meaning = "An improvement is better than the best value by more than "
                    "this.",
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
         .meaning = "A loss graph (`.pt2`) of an output and the target."}),
    field<&LossConfig::label_smoothing>(
        {.path = "train.loss.label_smoothing",
         .meaning = "Share of each target's probability that all classes get "
                    "in equal parts. Used by `cross_entropy`.",
         .min = 0,
         .max = 1}),
    field<&LossConfig::weights>(
        {.path = "train.loss.weights",
         .default_note = "1 for each class",
         .meaning = "A weight for each class, or a `.npy` file with them. Used "
                    "by `cross_entropy` and `nll`.",
         .min = 0})};

constexpr std::array kOptimizerFields = {field<&OptimizerConfig::kind>(
    {.path = "train.optimizer.name",
     .default_note = "required, unless `train.steps` is 0",
     .meaning = "The update rule, as in `torch.optim`; `lion` is "
                "[below](#lion-and-muon)."})};

constexpr std::array kEmaFields = {field<&OptimizerConfig::ema_decay>(
    {.path = "train.ema.decay",
     .default_note = "none: no averages",
     .meaning = "Keep a moving average of every parameter: after each update, "
                "`decay` of it stays, and the rest comes from the parameter. "
                "Evaluations use the averages.",
     .min = 0,
     .max = 1,
     .below_max = true})};

constexpr std::array kLrScheduleFields = {
    field<&LrSchedule::shape>(
        {.path = "train.lr_schedule.name",
         .meaning = "How the learning rate changes over the run."}),
    field<&LrSchedule::warmup>(
        {.path = "train.lr_schedule.warmup",
         .unit = "steps",
         .meaning = "Steps over which the learning rate rises to "
                    "`optimizer.lr`.",
         .min = 0,
         .max = 1e12}),
    field<&LrSchedule::min_lr>(
        {.path = "train.lr_schedule.min_lr",
         .meaning = "Learning rate at which `linear`, `cosine` and `wsd` end.",
         .min = 0}),
    field<&LrSchedule::decay>(
        {.path = "train.lr_schedule.decay",
         .default_note = "a tenth of the run",
         .unit = "steps",
         .meaning = "Steps at the end of the run over which the learning rate "
                    "falls. Used by `wsd`.",
         .min = 0,
         .max = 1e12}),
    field<&LrSchedule::anneal>(
        {.path = "train.lr_schedule.anneal",
         .default_note = "`linear` for `wsd`, `cosine` for `one_cycle`",
         .meaning = "The curve from one learning rate to another. Used by "
                    "`wsd` and, without `sqrt`, by `one_cycle`."}),
    field<&LrSchedule::pct_start>(
        {.path = "train.lr_schedule.pct_start",
         .meaning = "Fraction of the run in which the learning rate rises. "
                    "Used by `one_cycle`.",
         .min = 0,
         .max = 1}),
    field<&LrSchedule::div_factor>(
        {.path = "train.lr_schedule.div_factor",
         .meaning = "`optimizer.lr` divided by the first step's learning rate. "
                    "Used by `one_cycle`.",
         .min = 0,
         .above_min = true}),
    field<&LrSchedule::final_div_factor>(
        {.path = "train.lr_schedule.final_div_factor",
         .meaning = "The first step's learning rate divided by the last "
                    "step's. Used by `one_cycle`.",
         .min = 0,
         .above_min = true})};

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
    std::visit(
        [&](auto member) {
          using Value = typename MemberTraits<decltype(member)>::Value;
          key.types = Codec<Value>::kTypes;
          key.choices = Codec<Value>::kChoices;
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

std::span<const Field<EarlyStop>> early_stop_fields() {
  return kEarlyStopFields;
}

std::span<const Field<LossConfig>> loss_fields() {
  return kLossFields;
}

std::span<const Field<OptimizerConfig>> optimizer_fields() {
  return kOptimizerFields;
}

std::span<const Field<OptimizerConfig>> ema_fields() {
  return kEmaFields;
}

std::span<const Field<LrSchedule>> lr_schedule_fields() {
  return kLrScheduleFields;
}

std::span<const JobKey> optimizer_option_keys() {
  static const OptimizerOptionKeys table;
  return table.keys();
}

}  // namespace pp
