#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include "loader/core/count_text.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/job/checks.h"
#include "runtime/job/document.h"

namespace pp {
namespace {

/// The keys of `train.lr_schedule` that only some schedules read.
constexpr std::array<std::string_view, 7> kLrOptions = {
    "warmup",
    "min_lr",
    "decay",
    "anneal",
    "pct_start",
    "div_factor",
    "final_div_factor"};

class TrainChecker {
 public:
  TrainChecker(
      const Job& job, const toml::table& document, const std::string& name)
      : job_(job), document_(document), name_(name) {}

  void check() const {
    const TrainConfig& train = *job_.train;
    if (train.steps && train.epochs) {
      refuse(
          "train.epochs", "[train] has both steps and epochs; leave one out");
    }
    if (!train.steps && !train.epochs) {
      refuse("train", "[train] needs steps or epochs");
    }
    if (train.steps == 0 && !has("eval")) {
      refuse(
          "train.steps",
          "train.steps = 0 evaluates only, but there is no [eval]");
    }
    check_loss(train.loss);
    check_optimizer(train.optimizer, train.steps != 0);
    check_groups(train.optimizer);
    if (has("train.ema") && !has("train.ema.decay")) {
      refuse("train.ema", "train.ema needs decay, such as 0.999");
    }
    check_lr_schedule(train);
  }

 private:
  bool has(std::string_view path) const {
    return static_cast<bool>(document_.at_path(path));
  }

  [[noreturn]] void refuse(
      std::string_view path, const std::string& message) const {
    refuse(split_text(path, '.'), message);
  }
  [[noreturn]] void refuse(
      const KeyPath& path, const std::string& message) const {
    throw usage_error(place_of(document_, path, name_) + message);
  }

  void check_loss(const LossConfig& loss) const {
    if (!loss.needs_target() && loss.output.empty()) {
      refuse(
          "train.loss",
          "[train] needs loss: { name = \"cross_entropy\" }, or { output = "
          "\"loss\" } if the graph computes its own");
    }
    if (loss.kind && !loss.path.empty()) {
      refuse(
          "train.loss.path",
          "train.loss has both name and path; leave one out");
    }
    check_loss_options(loss);
    if (!job_.has_data()) {
      refuse("train", "[train] needs [data]");
    }
    if (loss.needs_target() && !job_.data.target) {
      refuse(
          "train.loss",
          "train.loss compares with data.target, which is missing");
    }
    if (!loss.needs_target() && job_.data.target) {
      refuse(
          "data.target",
          "data.target is not read: train.loss has no name, so the graph "
          "computes its own loss; feed labels through data.inputs");
    }
  }

  void check_loss_options(const LossConfig& loss) const {
    check_options_of(
        "train.loss",
        loss.kind ? loss_row(*loss.kind).name : "a loss without a name",
        loss.kind ? loss_row(*loss.kind).options
                  : std::span<const std::string_view>(),
        kCrossEntropyOptions);
    if (has("train.loss.weights") && !loss.weights.is_set()) {
      refuse(
          "train.loss.weights",
          "train.loss.weights is empty; give one weight for each class");
    }
    const std::vector<double>& weights = loss.weights.values;
    if (!weights.empty() &&
        std::ranges::count(weights, 0) == std::ssize(weights)) {
      refuse(
          "train.loss.weights",
          "train.loss.weights has only zeros, so there is no loss");
    }
  }

  /// Refuses those keys of `table`, among `candidates`, that are not in
  /// `options`.
  ///
  /// chosen  what has these options: "wsd"
  void check_options_of(
      const std::string& table,
      std::string_view chosen,
      std::span<const std::string_view> options,
      std::span<const std::string_view> candidates) const {
    for (const std::string_view option : candidates) {
      const std::string path = table + "." + std::string(option);
      if (has(path) && std::ranges::find(options, option) == options.end()) {
        refuse(
            path,
            path + " is not an option of " + std::string(chosen) +
                (options.empty() ? ""
                                 : "; its options are " +
                                       join(std::vector<std::string>(
                                           options.begin(), options.end()))));
      }
    }
  }

  void check_lr_schedule(const TrainConfig& train) const {
    const LrSchedule& schedule = train.lr_schedule;
    check_options_of(
        "train.lr_schedule",
        lr_shape_row(schedule.shape).name,
        lr_shape_row(schedule.shape).options,
        kLrOptions);
    if (schedule.shape == LrShape::OneCycle &&
        schedule.anneal == LrAnneal::Sqrt) {
      refuse(
          "train.lr_schedule.anneal",
          "train.lr_schedule.anneal is \"sqrt\", but one_cycle has only "
          "\"linear\" and \"cosine\", as OneCycleLR");
    }
    check_lr_steps(train);
    const double lr = train.optimizer.options.lr;
    if (schedule.min_lr > lr) {
      refuse(
          "train.lr_schedule.min_lr",
          "train.lr_schedule.min_lr is " + toml_number_text(schedule.min_lr) +
              ", more than train.optimizer.lr, " + toml_number_text(lr));
    }
  }

  void check_lr_steps(const TrainConfig& train) const {
    const LrSchedule& schedule = train.lr_schedule;
    const int64_t steps = train.steps.value_or(0);
    if (steps == 0) {
      return;
    }
    if (schedule.warmup > steps) {
      refuse(
          "train.lr_schedule.warmup",
          "train.lr_schedule.warmup is " + std::to_string(schedule.warmup) +
              ", more than the run's " + count_text(steps, "step", "steps"));
    }
    if (schedule.decay && schedule.warmup + *schedule.decay > steps) {
      refuse(
          "train.lr_schedule.decay",
          "train.lr_schedule.decay is " + std::to_string(*schedule.decay) +
              ", more than the " +
              count_text(steps - schedule.warmup, "step", "steps") +
              " after the warm-up");
    }
  }

  void check_optimizer(const OptimizerConfig& optimizer, bool updates) const {
    const bool is_given = has("train.optimizer");
    if (updates && !has("train.optimizer.name")) {
      refuse(
          is_given ? "train.optimizer" : "train",
          "[train] needs optimizer.name: " + optimizer_names());
    }
    for (const OptimizerOption& option : optimizer_options()) {
      const std::string path = "train.optimizer." + std::string(option.name);
      if (has(path)) {
        check_option(split_text(path, '.'), optimizer.kind, option.name);
      }
    }
    const std::string problem = optimizer_problem(optimizer);
    if (!problem.empty()) {
      refuse("train.optimizer", "train.optimizer: " + problem);
    }
  }

  static std::string optimizer_names() {
    std::vector<std::string> names;
    for (const std::string_view name : kEnumWords<OptimizerKind>) {
      names.push_back("\"" + std::string(name) + "\"");
    }
    return join(names, " or ");
  }

  /// Refuses an option that another optimizer has.
  void check_option(
      const KeyPath& path, OptimizerKind kind, std::string_view option) const {
    const OptimizerRow& row = optimizer_row(kind);
    if (row.has_option(option)) {
      return;
    }
    refuse(
        path,
        path_text(path) + " is not an option of " + std::string(row.name) +
            "; its options are " +
            join(std::vector<std::string>(
                row.options.begin(), row.options.end())));
  }

  void check_groups(const OptimizerConfig& optimizer) const {
    const toml::node_view groups = document_.at_path("train.groups");
    if (!groups) {
      return;
    }
    for (const toml::node& group : *groups.as_array()) {
      for (const auto& [key, node] : *group.as_table()) {
        if (key.str() != "match") {
          check_option(
              {"train", "groups", std::string(key.str())},
              optimizer.kind,
              key.str());
        }
      }
    }
  }

  const Job& job_;
  const toml::table& document_;
  const std::string& name_;
};

}  // namespace

void check_train(
    const Job& job, const toml::table& document, const std::string& name) {
  TrainChecker(job, document, name).check();
}

}  // namespace pp
