#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loader/core/enum_names.h"
#include "loader/core/text.h"
#include "runtime/job/document.h"
#include "runtime/job/first_job.h"
#include "runtime/options/lr_schedule.h"
#include "runtime/options/optimizer.h"

namespace pp {
namespace {

constexpr size_t kWidth = 79;

std::string quoted(const std::string& text) {
  return value_text(toml::value(text));
}

/// A key's name, in quotes if TOML needs them.
std::string key_text(const std::string& name) {
  const bool is_bare =
      !name.empty() &&
      name.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
          std::string::npos;
  return is_bare ? name : quoted(name);
}

class JobWriter {
 public:
  JobWriter(
      const FirstJobModel& model,
      const FirstJobRequest& request,
      const FirstJobPlan& plan)
      : model_(model), request_(request), plan_(plan) {}

  std::string text() {
    write_head();
    write_model();
    write_split();
    write_pipeline();
    write_data();
    if (trains()) {
      write_train();
    }
    write_output();
    return std::move(out_);
  }

 private:
  bool trains() const { return request_.kind != FirstJobKind::Infer; }
  bool finetunes() const { return request_.kind == FirstJobKind::Finetune; }

  void comment(const std::string& text) {
    std::string line = "#";
    for (const std::string& word : split_text(text, ' ')) {
      if (line.size() + 1 + word.size() > kWidth) {
        out_ += line + "\n";
        line = "#";
      }
      line += " " + word;
    }
    out_ += line + "\n";
  }
  void table(std::string_view name) {
    out_ += "\n[" + std::string(name) + "]\n";
  }
  void key(
      const std::string& about,
      const std::string& name,
      const std::string& value) {
    if (!about.empty()) {
      comment(about);
    }
    out_ += name + " = " + value + "\n";
  }

  void write_head() {
    comment(
        "A job for pp, written by '" + request_.command +
        "'. Change what you like; docs/job-file.md describes every key.");
    comment("Run it:           pp run " + request_.file);
    comment("Look at it first: pp run " + request_.file + " --dry-run");
  }

  void write_model() {
    table("model");
    key(model_.is_stage_directory
            ? "The stages that 'pp split' wrote. Paths start from this file's "
              "folder."
            : "The saved model. Paths start from this file's folder.",
        model_.is_stage_directory ? "stages" : "path",
        quoted(model_.path));
    if (model_.has_modes) {
      key(trains() ? "Dropout and batch norm work as in training; \"exported\" "
                     "leaves them as they were exported."
                   : "Dropout is off, and batch norm uses its running "
                     "statistics.",
          "mode",
          trains() ? "\"train\"" : "\"eval\"");
    }
    if (!trains()) {
      comment(
          "For trained weights, name the folder of a run, or of one of its "
          "checkpoints:");
      out_ += "# checkpoint = \"runs/train\"\n";
    }
  }

  void write_split() {
    if (model_.is_stage_directory) {
      return;
    }
    if (model_.num_stages == 1) {
      out_ += "\n";
      comment(
          "The model is one stage. For two, remove the '#' from these lines:");
      out_ += "# [split]\n# stages = 2\n";
      return;
    }
    table("split");
    if (model_.cuts.empty()) {
      key("Number of stages; their parameters are balanced.",
          "stages",
          std::to_string(model_.num_stages));
      return;
    }
    std::vector<std::string> points;
    for (const std::string& point : model_.cuts) {
      points.push_back(quoted(point));
    }
    key("A stage begins before each of these modules (after it, with ':end'); "
        "'pp inspect " +
            model_.path + "' lists all cuts.",
        "at",
        points.size() == 1 ? points.front() : "[" + join(points) + "]");
  }

  void write_pipeline() {
    if (!trains() || model_.num_stages == 1) {
      return;
    }
    table("pipeline");
    key("The order of forwards and backwards; 'pp schedule --list' names the "
        "others.",
        "schedule",
        "\"1F1B\"");
    key("Parts of a step. While one stage works on one of them, the other "
        "stages work on others.",
        "microbatches",
        std::to_string(plan_.microbatches));
  }

  std::string batch_comment() const {
    const std::string rows =
        std::to_string(plan_.microbatches) +
        (plan_.microbatches == 1 ? " microbatch of " : " microbatches of ") +
        std::to_string(plan_.rows);
    return plan_.is_fixed_batch
               ? "Rows per step: " + rows +
                     ", the batch that the model was exported with."
               : "Rows per step: " + rows + ".";
  }

  void write_data() {
    table("data");
    key(batch_comment(), "batch_size", std::to_string(plan_.batch_size()));
    if (trains()) {
      key("At the end of an epoch, rows that don't fill a step are left out.",
          "drop_last",
          "true");
    }
    for (const FirstJobSource& source : plan_.inputs) {
      write_source("inputs." + key_text(source.name), source);
    }
    if (plan_.target) {
      write_source("target", *plan_.target);
    }
  }

  /// The keys of a source besides its path.
  static std::vector<std::string> details(const FirstJobSource& source) {
    std::vector<std::string> keys;
    const FirstJobData& data = source.data;
    if (data.is_bin && data.dtype) {
      keys.push_back("dtype = " + quoted(ir::name_of(*data.dtype)));
      if (data.sizes.size() > 1) {
        keys.push_back(
            "shape = " + shape_text(std::span(data.sizes).subspan(1)));
      }
    }
    if (source.window) {
      keys.push_back("window = " + std::to_string(*source.window));
    }
    if (source.shift > 0) {
      keys.push_back("shift = " + std::to_string(source.shift));
    }
    if (!source.has_rows) {
      keys.emplace_back("split_dim = \"none\"");
    }
    return keys;
  }

  static std::string source_comment(const FirstJobSource& source) {
    if (source.shift > 0) {
      return "The next token of each token: the same sequence, shifted by one.";
    }
    const std::string file =
        source.data.dtype ? "Reads " : "Save the data in this file: ";
    return source.window ? file + source.needs + "; a row is a window of " +
                               std::to_string(*source.window) + " elements."
                         : file + source.needs + ".";
  }

  void write_source(const std::string& name, const FirstJobSource& source) {
    std::vector<std::string> keys = details(source);
    const std::string path = quoted(source.data.path);
    if (keys.empty()) {
      return key(source_comment(source), name, path);
    }
    keys.insert(keys.begin(), "path = " + path);
    key(source_comment(source), name, "{ " + join(keys) + " }");
  }

  void write_loss() {
    const std::string name = quoted(plan_.loss);
    const std::string output = "output = " + quoted(plan_.loss_output);
    key(plan_.loss_reason,
        "loss",
        plan_.loss.empty() ? "{ " + output + " }"
        : plan_.loss_output.empty()
            ? name
            : "{ name = " + name + ", " + output + " }");
  }

  void write_train() {
    table("train");
    key("Number of updates; 'epochs' counts passes over the data instead.",
        "steps",
        std::to_string(request_.steps.value_or(100)));
    write_loss();
    key(finetunes() ? "A low learning rate, which keeps what the model has "
                      "learned."
                    : "The update rule and its options, as in torch.optim: " +
                          join(enum_words<OptimizerKind>()) + ".",
        "optimizer",
        finetunes() ? "{ name = \"adamw\", lr = 2e-5 }"
                    : "{ name = \"adamw\", lr = 1e-3 }");
    key("The learning rate falls to 0. { name = \"cosine\", warmup = 10 } lets "
        "it rise for 10 steps first. All curves: " +
            join(enum_words<LrShape>()) + ".",
        "lr_schedule",
        "\"cosine\"");
    key("Gradients whose norm is larger are scaled down.",
        "clip_grad_norm",
        "1.0");
    if (finetunes() && !model_.first_module.empty()) {
      comment("Parameters that are not trained, for example:");
      out_ += "# freeze = " + quoted(model_.first_module + ".*") + "\n";
    }
  }

  void write_output() {
    table("output");
    key(trains() ? "Checkpoints and metrics are written here."
                 : "The outputs are written here.",
        "dir",
        quoted(request_.output_dir));
    if (trains()) {
      key("Steps from one checkpoint to the next.", "checkpoint_every", "50");
    }
  }

  const FirstJobModel& model_;
  const FirstJobRequest& request_;
  const FirstJobPlan& plan_;
  std::string out_;
};

}  // namespace

std::string first_job_text(
    const FirstJobModel& model,
    const FirstJobRequest& request,
    const FirstJobPlan& plan) {
  return JobWriter(model, request, plan).text();
}

}  // namespace pp
