#include "runtime/job/read.h"

#include <string>
#include <utility>
#include <variant>

#include "runtime/job/fields.h"

namespace pp {
namespace {

namespace fs = std::filesystem;

/// Returns the table `key` in a table; null if either table is absent.
const toml::table* below(const toml::table* table, std::string_view key) {
  const toml::node* node = table == nullptr ? nullptr : table->get(key);
  return node == nullptr ? nullptr : node->as_table();
}

/// Calls `visit(name, table)` for every table in `table`, which may be null.
template <typename Visit>
void each_table(const toml::table* table, const Visit& visit) {
  if (table == nullptr) {
    return;
  }
  for (const auto& [key, node] : *table) {
    visit(std::string(key.str()), node.as_table());
  }
}

/// The inputs and the target of `[data]` or of `eval.data`.
void read_sources(
    const toml::table* table, const fs::path& folder, DataConfig& data) {
  each_table(
      below(table, "inputs"),
      [&](const std::string& name, const toml::table* source) {
        data.inputs[name].name = name;
        read_fields(source_fields(), source, folder, data.inputs[name]);
      });
  if (const toml::table* target = below(table, "target")) {
    data.target.emplace().name = "target";
    read_fields(source_fields(), target, folder, *data.target);
  }
}

void read_optimizer_options(
    const toml::table* table, const fs::path& folder, OptimizerOptions& into) {
  if (table == nullptr) {
    return;
  }
  for (const OptimizerOption& option : optimizer_options()) {
    if (const toml::node* node = table->get(option.name)) {
      std::visit(
          [&](auto member) {
            using Value = typename MemberTraits<decltype(member)>::Value;
            into.*member = Codec<Value>::read(*node, folder);
          },
          option.member);
    }
  }
}

OptimizerConfig read_optimizer(
    const toml::table* train, const fs::path& folder) {
  const toml::table* table = below(train, "optimizer");
  OptimizerConfig optimizer;
  read_fields(optimizer_fields(), table, folder, optimizer);
  optimizer.options = optimizer_row(optimizer.kind).defaults;
  read_optimizer_options(table, folder, optimizer.options);
  read_fields(ema_fields(), below(train, "ema"), folder, optimizer);
  const toml::node* groups = train->get("groups");
  if (groups == nullptr) {
    return optimizer;
  }
  for (const toml::node& item : *groups->as_array()) {
    const toml::table* group = item.as_table();
    OptimizerGroup& into = optimizer.groups.emplace_back();
    into.match = group->get("match")->value_or(std::string());
    into.options = optimizer.options;
    read_optimizer_options(group, folder, into.options);
  }
  return optimizer;
}

TrainConfig read_train(const toml::table* table, const fs::path& folder) {
  TrainConfig train;
  read_fields(train_fields(), table, folder, train);
  read_fields(loss_fields(), below(table, "loss"), folder, train.loss);
  if (const toml::table* early_stop = below(table, "early_stop")) {
    read_fields(
        early_stop_fields(), early_stop, folder, train.early_stop.emplace());
  }
  train.optimizer = read_optimizer(table, folder);
  read_fields(
      lr_schedule_fields(),
      below(table, "lr_schedule"),
      folder,
      train.lr_schedule);
  return train;
}

EvalConfig read_eval(
    const toml::table* table, const fs::path& folder, const DataConfig& data) {
  EvalConfig eval;
  read_fields(eval_fields(), table, folder, eval);
  eval.data.batch_size = data.batch_size;
  eval.data.shuffle = false;
  const toml::table* held_out = below(table, "data");
  read_fields(eval_data_fields(), held_out, folder, eval.data);
  read_sources(held_out, folder, eval.data);
  return eval;
}

}  // namespace

Job read_job(const toml::table& document, const fs::path& folder) {
  const auto table = [&](std::string_view key) {
    return below(&document, key);
  };
  Job job;
  read_fields(model_fields(), table("model"), folder, job.model);
  read_fields(split_fields(), table("split"), folder, job.split);
  read_fields(pipeline_fields(), table("pipeline"), folder, job.pipeline);
  read_fields(parallel_fields(), table("parallel"), folder, job.parallel);
  read_fields(data_fields(), table("data"), folder, job.data);
  read_sources(table("data"), folder, job.data);
  if (const toml::table* train = table("train")) {
    job.train = read_train(train, folder);
  } else {
    job.data.shuffle = false;  // outputs are in the order of the data
  }
  if (const toml::table* eval = table("eval")) {
    job.eval = read_eval(eval, folder, job.data);
  }
  read_fields(output_fields(), table("output"), folder, job.output);
  each_table(
      below(table("output"), "outputs"),
      [&](const std::string& name, const toml::table* rule) {
        read_fields(
            output_rule_fields(), rule, folder, job.output.outputs[name]);
      });
  read_fields(security_fields(), table("security"), folder, job.security);
  return job;
}

}  // namespace pp
