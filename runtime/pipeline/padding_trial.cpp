#include "runtime/pipeline/padding_trial.h"

#include <cstring>
#include <map>
#include <utility>

#include "loader/core/error.h"
#include "runtime/data/join_output.h"
#include "runtime/pipeline/forward_pass.h"
#include "runtime/stage/kept_states.h"

namespace pp {

namespace {

bool have_same_bits(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() &&
         std::memcmp(a.const_data_ptr(), b.const_data_ptr(), a.nbytes()) == 0;
}

/// rows  the counts of the last microbatch
[[noreturn]] void refuse_padding(
    const PaddedRun& run,
    int64_t all,
    RowCount rows,
    const std::string& output,
    const std::string& obstacle) {
  const int64_t rest = all % run.options.plan.batch_size;
  throw usage_error(
      std::string(run.table == "data" ? "the data" : "the data of [eval]") +
      " has " + std::to_string(all) + " rows, and the last " +
      std::to_string(rows.own) + " don't fill a microbatch of " +
      std::to_string(rows.own + rows.padding) +
      ", the size fixed by the export; copies of a row can't fill it, because "
      "output '" +
      output + "' " + obstacle + "; pad the data to " +
      std::to_string(all + rows.padding) + " rows" +
      (all > rest ? ", or set " + run.table +
                        ".drop_last = true to leave out the last " +
                        std::to_string(rest)
                  : ""));
}

}  // namespace

void try_padding(
    const Plan& plan,
    RankContext& context,
    RankStages& stages,
    Executor& executor,
    PaddedRun run) {
  run.options.is_padding_trial = true;
  run.options.wants_target = false;
  const DataLoader data(run.data, run.options);
  const KeptStates states(stages.stages());
  std::map<std::string, at::Tensor> first;
  ForwardPass pass;
  pass.pass = run.pass;
  pass.seed = plan.seed;
  pass.on_outputs = [&](int64_t /*batch*/,
                        const StepData& batch,
                        int microbatch,
                        const ModelOutputs& outputs) {
    const RowCount rows{
        batch[microbatch].num_rows, batch[microbatch].num_padding};
    for (const auto& [name, value] : outputs) {
      const std::optional<OutputRule> rule = run.rule_of(name);
      if (!rule) {
        continue;
      }
      const at::Tensor kept = reduced(name, rule->reduce, value.detach());
      const std::string obstacle = run.obstacle.empty()
                                       ? try_find_obstacle(*rule, kept, rows)
                                       : run.obstacle;
      if (!obstacle.empty()) {
        refuse_padding(run, data.num_rows(), rows, name, obstacle);
      }
      const at::Tensor own =
          without_padding(*rule, kept, rows).to(at::kCPU).contiguous();
      const auto [before, is_first] = first.emplace(name, own.clone());
      if (!is_first && !have_same_bits(before->second, own)) {
        refuse_padding(
            run,
            data.num_rows(),
            rows,
            name,
            "depends on the other rows of the microbatch, or is random");
      }
    }
  };
  run_forwards(
      context, executor, plan.forward_schedule.stage_to_rank, data, pass);
  states.restore();
}

}  // namespace pp
