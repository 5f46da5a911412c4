#include "runtime/job/read.h"

#include <concepts>
#include <string>
#include <utility>

namespace pp {
namespace {

namespace fs = std::filesystem;

/// A table of the document, or one that is absent: then every get() leaves its
/// target as it is.
class Section {
 public:
  Section(const toml::table* table, const fs::path& folder)
      : table_(table), folder_(&folder) {}

  bool present() const { return table_ != nullptr; }

  Section below(std::string_view key) const {
    const toml::node* node = find(key);
    return {node == nullptr ? nullptr : node->as_table(), *folder_};
  }

  /// Calls `visit(name, table)` for every table in this one.
  template <typename Visit>
  void each(const Visit& visit) const {
    if (table_ == nullptr) {
      return;
    }
    for (const auto& [key, node] : *table_) {
      visit(std::string(key.str()), Section(node.as_table(), *folder_));
    }
  }

  /// Calls `visit(table)` for every table of a list.
  template <typename Visit>
  void each_of(std::string_view key, const Visit& visit) const {
    const toml::node* node = find(key);
    if (node == nullptr || !node->is_array()) {
      return;
    }
    for (const toml::node& item : *node->as_array()) {
      visit(Section(item.as_table(), *folder_));
    }
  }

  const toml::node* find(std::string_view key) const {
    return table_ == nullptr ? nullptr : table_->get(key);
  }

  void get(std::string_view key, std::string& into) const {
    if (const toml::node* node = find(key)) {
      into = node->value_or(into);
    }
  }
  void get(std::string_view key, bool& into) const {
    if (const toml::node* node = find(key)) {
      into = node->value_or(into);
    }
  }
  void get(std::string_view key, double& into) const {
    if (const toml::node* node = find(key)) {
      into = node->value_or(into);
    }
  }
  template <std::integral Int>
  void get(std::string_view key, Int& into) const {
    if (const toml::node* node = find(key)) {
      into = static_cast<Int>(node->value_or(static_cast<int64_t>(into)));
    }
  }
  void get(std::string_view key, fs::path& into) const {
    if (const toml::node* node = find(key)) {
      into = absolute(node->value_or(std::string()));
    }
  }
  template <typename Item>
  void get(std::string_view key, std::vector<Item>& into) const {
    const toml::node* node = find(key);
    if (node == nullptr || !node->is_array()) {
      return;
    }
    into.clear();
    for (const toml::node& item : *node->as_array()) {
      into.push_back(item.value_or(Item()));
    }
  }
  template <typename Value>
  void get(std::string_view key, std::optional<Value>& into) const {
    if (find(key) != nullptr) {
      get(key, into.emplace());
    }
  }

  fs::path absolute(const fs::path& path) const {
    return (*folder_ / path).lexically_normal();
  }

 private:
  const toml::table* table_;
  const fs::path* folder_;
};

ModelConfig read_model(const Section& section) {
  ModelConfig model;
  section.get("path", model.path);
  std::vector<std::string> files;
  section.get("stages", files);
  for (const std::string& file : files) {
    model.stage_files.push_back(section.absolute(file));
  }
  if (files.empty()) {
    section.get("stages", model.stages);
  }
  section.get("mode", model.mode);
  section.get("weights", model.weights);
  section.get("checkpoint", model.checkpoint);
  return model;
}

SplitConfig read_split(const Section& section) {
  SplitConfig split;
  section.get("at", split.at);
  section.get("stages", split.stages);
  section.get("balance", split.balance);
  section.get("markers", split.markers);
  section.get("tied", split.tied);
  return split;
}

PipelineConfig read_pipeline(const Section& section) {
  PipelineConfig pipeline;
  section.get("schedule", pipeline.schedule);
  if (pipeline.schedule.ends_with(".csv")) {
    pipeline.schedule = section.absolute(pipeline.schedule).string();
  }
  section.get("microbatches", pipeline.microbatches);
  section.get("ranks", pipeline.ranks);
  section.get("stages_per_rank", pipeline.stages_per_rank);
  section.get("rank_map", pipeline.rank_map);
  section.get("launcher", pipeline.launcher);
  section.get("transport", pipeline.transport);
  section.get("threads_per_rank", pipeline.threads_per_rank);
  section.get("device", pipeline.device);
  section.get("cuda_graphs", pipeline.cuda_graphs);
  section.get("stall_timeout", pipeline.stall_timeout);
  section.get("recompute", pipeline.recompute_stages);
  section.get("recompute", pipeline.recompute);
  return pipeline;
}

SourceConfig read_source(const Section& section) {
  SourceConfig source;
  if (section.find("path") != nullptr) {
    section.get("path", source.path);
    source.path = section.absolute(source.path).string();
  }
  if (section.find("lengths") != nullptr) {
    section.get("lengths", source.lengths);
    source.lengths = section.absolute(source.lengths).string();
  }
  section.get("pad", source.pad);
  section.get("pad_to", source.pad_to);
  if (const toml::node* node = section.find("pad_to")) {
    if (const auto one = node->value<int64_t>()) {
      source.pad_to = {*one};  // "batch": none
    }
  }
  section.get("mask", source.mask);
  section.get("key", source.key);
  section.get("dtype", source.dtype);
  section.get("shape", source.shape);
  section.get("window", source.window);
  section.get("shift", source.shift);
  section.get("stride", source.stride);
  if (const toml::node* node = section.find("split_dim")) {
    source.split_dim = node->value<int64_t>();  // "none": no value
  }
  return source;
}

DataConfig read_data(const Section& section, DataConfig data) {
  section.get("batch_size", data.batch_size);
  section.get("shuffle", data.shuffle);
  section.get("drop_last", data.drop_last);
  section.below("inputs").each(
      [&](const std::string& name, const Section& source) {
        data.inputs.emplace(name, read_source(source));
      });
  if (const Section target = section.below("target"); target.present()) {
    data.target = read_source(target);
  }
  return data;
}

OptimizerOptionMap read_optimizer_options(const Section& section) {
  OptimizerOptionMap options;
  for (const char* name :
       {"lr", "weight_decay", "momentum", "dampening", "eps"}) {
    if (section.find(name) != nullptr) {
      double value = 0;
      section.get(name, value);
      options[name] = value;
    }
  }
  for (const char* name : {"nesterov", "amsgrad"}) {
    if (section.find(name) != nullptr) {
      bool value = false;
      section.get(name, value);
      options[name] = value;
    }
  }
  if (section.find("betas") != nullptr) {
    std::vector<double> betas;
    section.get("betas", betas);
    options["betas"] = betas;
  }
  return options;
}

TrainConfig read_train(const Section& section) {
  TrainConfig train;
  section.get("steps", train.steps);
  section.get("epochs", train.epochs);
  const Section loss = section.below("loss");
  loss.get("name", train.loss.name);
  loss.get("output", train.loss.output);
  loss.get("path", train.loss.path);
  section.get("accumulate", train.accumulate);
  const Section optimizer = section.below("optimizer");
  optimizer.get("name", train.optimizer.name);
  train.optimizer.options = read_optimizer_options(optimizer);
  section.each_of("groups", [&](const Section& group) {
    GroupConfig& config = train.groups.emplace_back();
    group.get("match", config.match);
    config.options = read_optimizer_options(group);
  });
  section.get("freeze", train.freeze);
  const Section schedule = section.below("lr_schedule");
  schedule.get("name", train.lr_schedule.name);
  schedule.get("warmup", train.lr_schedule.warmup);
  schedule.get("min_lr", train.lr_schedule.min_lr);
  section.get("clip_grad_norm", train.clip_grad_norm);
  section.get("precision", train.precision);
  section.get("seed", train.seed);
  return train;
}

OutputRule read_output_rule(const Section& section) {
  OutputRule rule;
  if (const toml::node* node = section.find("join")) {
    const std::string join = node->value_or(std::string());
    rule.join = join == "mean"    ? Join::Mean
                : join == "sum"   ? Join::Sum
                : join == "stack" ? Join::Stack
                : join == "same"  ? Join::Same
                                  : Join::Dimension;
    rule.dimension = node->value_or(rule.dimension);
  }
  std::string reduce;
  section.get("reduce", reduce);
  rule.reduce = reduce == "argmax" ? Reduce::Argmax
                : reduce == "last" ? Reduce::Last
                                   : Reduce::None;
  return rule;
}

OutputConfig read_output(const Section& section) {
  OutputConfig output;
  section.get("dir", output.dir);
  section.get("checkpoint_every", output.checkpoint_every);
  section.get("keep", output.keep);
  section.get("trace", output.trace);
  section.get("save", output.save);
  section.below("outputs").each(
      [&](const std::string& name, const Section& rule) {
        output.outputs.emplace(name, read_output_rule(rule));
      });
  return output;
}

}  // namespace

Job read_job(const toml::table& document, const fs::path& folder) {
  const Section root(&document, folder);
  Job job;
  job.model = read_model(root.below("model"));
  job.split = read_split(root.below("split"));
  job.pipeline = read_pipeline(root.below("pipeline"));
  const Section parallel = root.below("parallel");
  parallel.get("replicas", job.parallel.replicas);
  parallel.get("zero", job.parallel.zero);
  parallel.get("order", job.parallel.order);
  job.data = read_data(root.below("data"), {});
  if (const Section train = root.below("train"); train.present()) {
    job.train = read_train(train);
  } else {
    job.data.shuffle = false;  // outputs come in the order of the data
  }
  if (const Section section = root.below("eval"); section.present()) {
    EvalConfig eval;
    section.get("every", eval.every);
    eval.data.batch_size = job.data.batch_size;
    eval.data.shuffle = false;
    eval.data = read_data(section.below("data"), std::move(eval.data));
    job.eval = std::move(eval);
  }
  job.output = read_output(root.below("output"));
  return job;
}

}  // namespace pp
