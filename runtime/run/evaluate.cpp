#include "runtime/run/evaluate.h"

#include <ATen/ops/empty.h>

#include "runtime/launch/collectives.h"
#include "runtime/run/forward_pass.h"

namespace pp {

double evaluate(
    MeshRank& ranks,
    Executor& executor,
    const StageMap& stage_to_rank,
    LossFunction& loss,
    const DataLoader& data,
    uint64_t seed) {
  double sum = 0;
  double weight = 0;
  int64_t current = -1;
  const auto end_batch = [&] {
    sum += current >= 0 ? loss.value() * loss.weight() : 0;
  };
  ForwardPass pass;
  pass.pass = Pass::Evaluate;
  pass.seed = seed;
  pass.on_outputs = [&](int64_t batch,
                        const StepData& step,
                        int microbatch,
                        const auto& outputs) {
    if (batch != current) {
      end_batch();
      current = batch;
      loss.begin_step(step);
      // A replica has a part of each batch's loss; the first counts it.
      weight += ranks.replicas.rank == 0 ? loss.weight() : 0;
    }
    loss(step[microbatch], outputs);
  };
  run_forwards(ranks.pipeline, executor, stage_to_rank, data, pass);
  end_batch();
  Message mine;
  mine.tensors.push_back(at::empty({2}, at::kDouble));
  mine.requires_grad.push_back(0);
  mine.tensors[0].data_ptr<double>()[0] = sum;
  mine.tensors[0].data_ptr<double>()[1] = weight;
  const std::vector<Message> all = gather(ranks.world, std::move(mine));
  double total = 0;
  double total_weight = 0;
  for (const Message& message : all) {
    total += message.tensors[0].data_ptr<double>()[0];
    total_weight += message.tensors[0].data_ptr<double>()[1];
  }
  return total_weight > 0 ? total / total_weight : 0;
}

}  // namespace pp
