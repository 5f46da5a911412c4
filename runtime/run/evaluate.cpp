#include "runtime/run/evaluate.h"

#include <ATen/ops/empty.h>

#include "runtime/launch/collectives.h"

namespace pp {

double evaluate(
    RankContext& context,
    Executor& executor,
    LossFunction& loss,
    const DataLoader& data,
    uint64_t seed) {
  double sum = 0;
  double weight = 0;
  for (int64_t step = 0; step < data.steps_per_epoch(); ++step) {
    const StepData batch(data.step(step));
    StepInputs inputs;
    inputs.pass = Pass::Evaluate;
    inputs.seed = seed;
    inputs.step = step;
    inputs.user_inputs = batch.user_inputs();
    bool owns_loss = false;
    inputs.on_outputs = [&](int microbatch, const auto& outputs) {
      if (!owns_loss) {
        loss.begin_step(batch);
        owns_loss = true;
      }
      loss(batch[microbatch], outputs);
      return at::Tensor();
    };
    executor.run(inputs);
    if (owns_loss) {
      sum += loss.value() * loss.weight();
      weight += loss.weight();
    }
  }
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
