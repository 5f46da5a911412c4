#include "runtime/job/checks.h"

#include <algorithm>
#include <string>
#include <vector>

#include "loader/core/count_text.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/job/document.h"

namespace pp {
namespace {

class Checker {
 public:
  Checker(const Job& job, const toml::table& document, const std::string& name)
      : job_(job), document_(document), name_(name) {}

  void check() const {
    check_model();
    check_pipeline();
    check_parallel();
    if (has("data")) {
      check_data();
    }
    if (job_.train) {
      check_train(*job_.train);
    }
    if (has("eval")) {
      check_eval();
    }
  }

 private:
  /// Whether the document has a key or table.
  /// path  "train.steps"
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

  void check_model() const {
    const bool path = has("model.path");
    if (path == has("model.stages")) {
      refuse(
          "model",
          path ? "[model] has both path and stages; leave one out"
               : "[model] needs path (a saved model) or stages (a stage "
                 "directory)");
    }
    if (const toml::array* files = document_.at_path("model.stages").as_array();
        files != nullptr && files->empty()) {
      refuse(
          "model.stages",
          "model.stages is empty; list the stages' files in order, or name a "
          "stage directory");
    }
    if (!path && has("split")) {
      refuse(
          "split", "[split] needs model.path; model.stages is already split");
    }
    if (has("split.at") && has("split.stages")) {
      refuse("split.stages", "[split] has both at and stages; leave one out");
    }
    if (has("split.balance") && !has("split.stages")) {
      refuse("split.balance", "split.balance needs split.stages");
    }
  }

  void check_pipeline() const {
    const std::optional<int>& microbatches = job_.pipeline.microbatches;
    const int64_t replicas = job_.parallel.replicas;
    if (has("data.batch_size") && microbatches &&
        *microbatches * replicas > job_.data.batch_size) {
      refuse(
          has("pipeline.microbatches") ? "pipeline.microbatches"
                                       : "data.batch_size",
          "batch_size " + std::to_string(job_.data.batch_size) +
              " is smaller than microbatches " + std::to_string(*microbatches) +
              (replicas > 1 ? " x replicas " + std::to_string(replicas) : "") +
              ", and every microbatch needs a row; set batch_size to " +
              std::to_string(*microbatches * replicas) + " or more");
    }
  }

  void check_parallel() const {
    const ParallelConfig& parallel = job_.parallel;
    if (parallel.zero > 1) {
      refuse(
          "parallel.zero",
          "parallel.zero = " + std::to_string(parallel.zero) +
              " is not yet supported; write 0 or 1");
    }
    if (!std::ranges::is_permutation(parallel.order, ParallelConfig{}.order)) {
      refuse(
          "parallel.order",
          "parallel.order must name pipeline and replica, each once");
    }
    if (parallel.replicas > 1 && !job_.train) {
      refuse(
          "parallel.replicas",
          "parallel.replicas needs [train]; inference runs one pipeline");
    }
    if (parallel.replicas > 1 && has("output.save")) {
      refuse(
          "output.save",
          "output.save is not yet supported when training with replicas");
    }
  }

  void check_data() const {
    if (!has("data.batch_size")) {
      refuse("data", "[data] needs batch_size, the number of rows per step");
    }
    if (!job_.has_data()) {
      refuse(
          "data",
          "[data] needs inputs: inputs.NAME = { path = \"...\" } for each "
          "input of the model");
    }
    check_sources("data", job_.data);
    if (job_.data.target && !job_.train) {
      refuse("data.target", "data.target needs [train]; inference has no loss");
    }
  }

  void check_sources(const std::string& table, const DataConfig& data) const {
    KeyPath path = split_text(table, '.');
    path.emplace_back("inputs");
    for (const auto& [input, source] : data.inputs) {
      path.push_back(input);
      check_source(document_, name_, path, source, data.inputs);
      path.pop_back();
    }
    if (data.target) {
      path.back() = "target";
      check_source(document_, name_, path, *data.target, data.inputs);
    }
  }

  void check_train(const TrainConfig& train) const {
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
    check_lr_schedule(train);
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

  void check_lr_schedule(const TrainConfig& train) const {
    const LrSchedule& schedule = train.lr_schedule;
    if (train.steps && *train.steps > 0 && schedule.warmup > *train.steps) {
      refuse(
          "train.lr_schedule.warmup",
          "train.lr_schedule.warmup is " + std::to_string(schedule.warmup) +
              ", more than the run's " +
              count_text(*train.steps, "step", "steps"));
    }
    const double lr = train.optimizer.options.lr;
    if (schedule.min_lr > lr) {
      refuse(
          "train.lr_schedule.min_lr",
          "train.lr_schedule.min_lr is " + toml_number_text(schedule.min_lr) +
              ", more than train.optimizer.lr, " + toml_number_text(lr));
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

  void check_eval() const {
    if (!job_.train) {
      refuse(
          "eval",
          "[eval] needs [train], which defines the loss; to evaluate without "
          "training, add [train] with steps = 0");
    }
    const DataConfig& data = job_.eval->data;
    if (data.inputs.empty()) {
      refuse("eval", "[eval] needs eval.data.inputs, the held-out rows");
    }
    check_sources("eval.data", data);
    if (data.target.has_value() != job_.data.target.has_value()) {
      refuse(
          data.target ? "eval.data.target" : "eval.data",
          data.target ? "eval.data.target needs data.target"
                      : "eval.data needs target: the loss compares with it");
    }
    const std::optional<int>& microbatches = job_.pipeline.microbatches;
    if (microbatches && data.batch_size < *microbatches) {
      refuse(
          "eval.data.batch_size",
          "eval batch_size " + std::to_string(data.batch_size) +
              " is smaller than microbatches " + std::to_string(*microbatches) +
              ", and every microbatch needs a row; set it to " +
              std::to_string(*microbatches) + " or more");
    }
  }

  const Job& job_;
  const toml::table& document_;
  const std::string& name_;
};

}  // namespace

void check_job(
    const Job& job, const toml::table& document, const std::string& name) {
  Checker(job, document, name).check();
}

}  // namespace pp
