#include "runtime/job/checks.h"

#include <algorithm>
#include <string>
#include <vector>

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
      check_train(job_, document_, name_);
    }
    if (has("eval")) {
      check_eval();
    }
    check_export();
    if (job_.output.keep_best) {
      check_chosen("output.keep_best", *job_.output.keep_best);
    }
    if (job_.train && job_.train->early_stop) {
      check_chosen("train.early_stop", job_.train->early_stop->metric);
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
    if (job_.train && parallel.zero > 0) {
      check_zero(job_.train->optimizer.kind);
    }
    if (parallel.replicas > 1 && has("output.save")) {
      refuse(
          "output.save",
          "output.save is not yet supported when training with replicas");
    }
  }

  void check_zero(OptimizerKind kind) const {
    const OptimizerRow& row = optimizer_row(kind);
    if (row.scope == UpdateScope::WholeMatrix) {
      refuse(
          "parallel.zero",
          "parallel.zero divides every parameter among the replicas, but " +
              std::string(row.name) +
              " updates whole matrices; write zero = 0, or choose another "
              "train.optimizer");
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
    check_metrics();
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

  void check_metrics() const {
    for (const EvalMetric metric : job_.eval->metrics) {
      if (metric != EvalMetric::Loss && !job_.train->loss.is_over_classes()) {
        refuse(
            "eval.metrics",
            "eval.metrics: " + std::string(enum_name(metric)) +
                " compares class scores with classes, so train.loss.name must "
                "be cross_entropy or nll");
      }
    }
  }

  /// Checks that evaluations give the number by which `key` chooses.
  void check_export() const {
    if (job_.output.export_dtype &&
        (!job_.train || job_.train->steps == int64_t{0})) {
      refuse(
          "output.export_dtype",
          "output.export_dtype needs a training: set train.steps or "
          "train.epochs");
    }
  }

  void check_chosen(const std::string& key, EvalMetric metric) const {
    if (!has("eval")) {
      refuse(key, key + " needs [eval], which gives the number to compare");
    }
    if (metric != EvalMetric::Loss &&
        std::ranges::find(job_.eval->metrics, metric) ==
            job_.eval->metrics.end()) {
      const std::string word(enum_name(metric));
      refuse(
          key,
          key + ": evaluations don't give " + word + "; add \"" + word +
              "\" to eval.metrics");
    }
    if (!job_.eval->every) {
      refuse(
          key,
          key +
              " needs eval.every: without it there is one evaluation, at the "
              "end");
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
