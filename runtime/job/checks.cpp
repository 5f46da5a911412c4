#include "runtime/job/checks.h"

#include <algorithm>
#include <variant>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/job/document.h"
#include "runtime/job/keys.h"

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
  /// Whether the document has a key or table; `path` is dotted.
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
          path ? "[model] has both path and stages; one of them says what runs"
               : "[model] needs path (a saved model) or stages (a stage "
                 "directory)");
    }
    if (!path && has("split")) {
      refuse(
          "split",
          "[split] goes with model.path; model.stages is already split");
    }
    if (has("split.at") && has("split.stages")) {
      refuse("split.stages", "[split] has both at and stages; leave one out");
    }
    if (has("split.balance") && !has("split.stages")) {
      refuse("split.balance", "split.balance goes with split.stages");
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
              "; every microbatch needs a row");
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
          "parallel.order names pipeline and replica, each once");
    }
    if (parallel.replicas > 1 && !job_.train) {
      refuse(
          "parallel.replicas",
          "parallel.replicas goes with [train]; inference runs one pipeline");
    }
    if (parallel.replicas > 1 && has("output.save")) {
      refuse(
          "output.save",
          "output.save of a training with replicas is not yet supported");
    }
  }

  void check_data() const {
    if (!has("data.batch_size")) {
      refuse("data", "[data] needs batch_size, the rows of a step");
    }
    if (!job_.has_data()) {
      refuse(
          "data",
          "[data] needs inputs: inputs.NAME = { path = \"...\" } for each "
          "input of the model");
    }
    check_sources("data", job_.data);
    if (job_.data.target && !job_.train) {
      refuse(
          "data.target",
          "data.target goes with [train]; inference has no loss");
    }
  }

  void check_sources(const std::string& table, const DataConfig& data) const {
    KeyPath path = split_text(table, '.');
    path.emplace_back("inputs");
    for (const auto& [input, source] : data.inputs) {
      path.push_back(input);
      check_source(path, source, data.inputs);
      path.pop_back();
    }
    if (data.target) {
      path.back() = "target";
      check_source(path, *data.target, data.inputs);
    }
  }

  void check_source(
      const KeyPath& path,
      const SourceConfig& source,
      const std::map<std::string, SourceConfig>& inputs) const {
    const toml::table* table = &document_;
    for (const std::string& segment : path) {
      table = table->get(segment)->as_table();
    }
    const auto refuse_key = [&](const char* key, const std::string& message) {
      KeyPath whole = path;
      whole.emplace_back(key);
      refuse(whole, path_text(whole) + " " + message);
    };
    if (table->contains("mask")) {
      if (table->size() > 1) {
        refuse_key("mask", "goes with no other key");
      }
      if (path.back() == "target") {
        refuse_key("mask", "is of an input");
      }
      const auto of = inputs.find(source.mask);
      if (of == inputs.end() || of->second.lengths.empty()) {
        refuse_key(
            "mask",
            "names '" + source.mask + "', which is no input with lengths");
      }
      return;
    }
    if (!table->contains("path")) {
      refuse(path, path_text(path) + " needs path");
    }
    if (!source.lengths.empty() &&
        (source.window || source.split_dim != 0 || table->contains("shape"))) {
      refuse_key("lengths", "goes with neither window, split_dim nor shape");
    }
    for (const char* key : {"pad", "pad_to"}) {
      if (source.lengths.empty() && table->contains(key)) {
        refuse_key(key, "goes with lengths");
      }
    }
    const bool raw = source.path.ends_with(".bin");
    if (raw && !table->contains("dtype")) {
      refuse(
          path, path_text(path) + " needs dtype: a .bin does not say its own");
    }
    for (const char* key : {"dtype", "shape"}) {
      if (!raw && table->contains(key)) {
        refuse_key(key, "goes with a .bin; other files say their own");
      }
    }
    if (source.window && table->contains("shape")) {
      refuse_key("shape", "does not go with window");
    }
    for (const char* key : {"shift", "stride"}) {
      const bool shifts = std::string(key) == "shift";
      if (!source.window && !(shifts && !source.lengths.empty()) &&
          table->contains(key)) {
        refuse_key(
            key, shifts ? "goes with window or lengths" : "goes with window");
      }
    }
    if (source.window && source.split_dim != 0) {
      refuse_key("split_dim", "does not go with window: windows are rows");
    }
    if (path.back() == "target" && source.split_dim != 0) {
      refuse_key("split_dim", "of a target is always 0");
    }
    if ((raw || source.path.ends_with(".npy")) && table->contains("key")) {
      refuse_key("key", "goes with .safetensors and .pt");
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
          "train.steps = 0 evaluates only, and there is no [eval]");
    }
    const LossConfig& loss = train.loss;
    if (loss.name.empty() && loss.output.empty() && loss.path.empty()) {
      refuse(
          "train.loss",
          "[train] needs loss: { name = \"cross_entropy\" }, or { output = "
          "\"loss\" } where the graph computes its own");
    }
    if (!loss.name.empty() && !loss.path.empty()) {
      refuse("train.loss.path", "train.loss has both name and path");
    }
    if (!job_.has_data()) {
      refuse("train", "[train] needs [data]");
    }
    const bool built_in = !loss.name.empty() || !loss.path.empty();
    if (built_in && !job_.data.target) {
      refuse(
          "train.loss",
          "train.loss compares with data.target, which is missing");
    }
    if (!built_in && job_.data.target) {
      refuse(
          "data.target",
          "data.target is not read: train.loss has no name, so the graph "
          "computes its own loss; feed labels by data.inputs");
    }
    check_optimizer(train.optimizer);
    check_lr_schedule(train);
  }

  void check_lr_schedule(const TrainConfig& train) const {
    const LrScheduleConfig& schedule = train.lr_schedule;
    if (train.steps && *train.steps > 0 && schedule.warmup > *train.steps) {
      refuse(
          "train.lr_schedule.warmup",
          "train.lr_schedule.warmup is " + std::to_string(schedule.warmup) +
              ", more than the run's " + std::to_string(*train.steps) +
              " steps");
    }
    const auto lr = train.optimizer.options.find("lr");
    const double* given = lr == train.optimizer.options.end()
                              ? nullptr
                              : std::get_if<double>(&lr->second);
    if (given != nullptr && schedule.min_lr > *given) {
      refuse(
          "train.lr_schedule.min_lr",
          "train.lr_schedule.min_lr is " +
              value_text(toml::value(schedule.min_lr)) +
              ", more than train.optimizer.lr, " +
              value_text(toml::value(*given)));
    }
  }

  void check_optimizer(const OptimizerConfig& optimizer) const {
    if (optimizer.name.empty()) {
      refuse(
          has("train.optimizer") ? "train.optimizer" : "train",
          "[train] needs optimizer.name: \"sgd\", \"adam\" or \"adamw\"");
    }
    const bool sgd = optimizer.name == "sgd";
    for (const auto& [option, value] : optimizer.options) {
      const bool of_sgd =
          option == "momentum" || option == "dampening" || option == "nesterov";
      const bool of_adam =
          option == "betas" || option == "eps" || option == "amsgrad";
      const std::string path = "train.optimizer." + option;
      if (sgd ? of_adam : of_sgd) {
        refuse(path, path + " is not an option of " + optimizer.name);
      }
      const auto* numbers = std::get_if<std::vector<double>>(&value);
      if (numbers != nullptr && numbers->size() != 2) {
        refuse(path, path + " takes two numbers");
      }
      if (numbers != nullptr && std::ranges::max(*numbers) >= 1) {
        refuse(path, path + " takes two numbers from 0 to below 1");
      }
    }
  }

  void check_eval() const {
    if (!job_.train) {
      refuse(
          "eval",
          "[eval] goes with [train], which says the loss; train.steps = 0 "
          "evaluates only");
    }
    const DataConfig& data = job_.eval->data;
    if (data.inputs.empty()) {
      refuse("eval", "[eval] needs data.inputs, the held-out rows");
    }
    check_sources("eval.data", data);
    if (data.target.has_value() != job_.data.target.has_value()) {
      refuse(
          data.target ? "eval.data.target" : "eval.data",
          data.target ? "eval.data.target goes with data.target"
                      : "eval.data needs target: the loss compares with it");
    }
    const std::optional<int>& microbatches = job_.pipeline.microbatches;
    if (microbatches && data.batch_size < *microbatches) {
      refuse(
          "eval.data.batch_size",
          "eval batch_size " + std::to_string(data.batch_size) +
              " is smaller than microbatches " + std::to_string(*microbatches) +
              "; every microbatch needs a row");
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
