#include "runtime/run/evaluate.h"

#include <ATen/ops/empty.h>

#include "runtime/launch/collectives.h"
#include "runtime/run/forward_pass.h"

namespace pp {

double evaluate(
    RankContext& context,
    Executor& executor,
    const StageMap& stage_to_rank,
    LossFunction& loss,
    const DataLoader& data,
    uint64_t seed) {
  double sum = 0;
  double weight = 0;
  ForwardPass pass;
  pass.pass = Pass::Evaluate;
  pass.seed = seed;
  pass.on_outputs = [&](int64_t /*batch*/,
                        const StepData& step,
                        int microbatch,
                        const auto& outputs) {
    if (microbatch == 0) {
      loss.begin_step(step);
    }
    loss(step[microbatch], outputs);
    if (microbatch + 1 == static_cast<int>(step.microbatches().size())) {
      sum += loss.value() * loss.weight();
      weight += loss.weight();
    }
  };
  run_forwards(context, executor, stage_to_rank, data, pass);
  Message mine;
  mine.tensors.push_back(at::empty({2}, at::kDouble));
  mine.requires_grad.push_back(0);
  mine.tensors[0].data_ptr<double>()[0] = sum;
  mine.tensors[0].data_ptr<double>()[1] = weight;
  const std::vector<Message> all = gather(context, std::move(mine));
  double total = 0;
  double total_weight = 0;
  for (const Message& message : all) {
    total += message.tensors[0].data_ptr<double>()[0];
    total_weight += message.tensors[0].data_ptr<double>()[1];
  }
  return total_weight > 0 ? total / total_weight : 0;
}

}  // namespace pp
