#include "runtime/pipeline/forward_pass.h"

#include <algorithm>
#include <vector>

#include "loader/core/error.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/schedule/stream.h"

namespace pp {

namespace {

/// Number of slots of the stream whose actions are made at once. A few dozen
/// need little memory and are made rarely.
constexpr int64_t kSlotsAtATime = 64;

/// The batches that this rank's stages are working on, by microbatch of the
/// stream. Each forward asks for its inputs once; after the last one of a
/// batch, the batch is dropped.
class Batches {
 public:
  Batches(
      const DataLoader& data,
      size_t num_stages,
      const ForwardPass& pass,
      RankDevice* device)
      : data_(data),
        pass_(pass),
        device_(device),
        num_stages_(num_stages),
        first_(data.own_microbatches(0).first),
        per_batch_(std::max(1, data.own_microbatches(0).second)) {}

  /// Number of microbatches of this replica, in all batches. Only the last
  /// batch may have fewer than the others.
  int64_t num_microbatches() const {
    const int64_t last = data_.steps_per_epoch() - 1;
    return last * per_batch_ + data_.own_microbatches(last).second;
  }

  std::pair<int64_t, int> place(int microbatch) const {
    return {microbatch / per_batch_, first_ + microbatch % per_batch_};
  }

  /// Valid until the next call.
  const UserInputs& user_inputs(int microbatch) {
    drop_finished();
    const auto [batch, index] = place(microbatch);
    auto found = loaded_.find(batch);
    if (found == loaded_.end()) {
      StepData step(data_.step(batch), device_);
      const size_t uses =
          static_cast<size_t>(data_.own_microbatches(batch).second) *
          num_stages_;
      found = loaded_.emplace(batch, Loaded{std::move(step), uses}).first;
    }
    --found->second.uses_left;
    return found->second.data[index].inputs;
  }

  const StepData& data(int64_t batch) const { return loaded_.at(batch).data; }

  void drop_finished() {
    for (auto it = loaded_.begin(); it != loaded_.end();) {
      if (it->second.uses_left > 0) {
        ++it;
        continue;
      }
      if (pass_.on_batch) {
        pass_.on_batch(it->first, it->second.data);
      }
      it = loaded_.erase(it);
    }
  }

 private:
  struct Loaded {
    StepData data;
    size_t uses_left;
  };

  const DataLoader& data_;
  const ForwardPass& pass_;
  RankDevice* device_;
  size_t num_stages_;
  int first_;
  int per_batch_;
  std::map<int64_t, Loaded> loaded_;
};

}  // namespace

bool run_forwards(
    RankContext& context,
    Executor& executor,
    const StageMap& stage_to_rank,
    const DataLoader& data,
    const ForwardPass& pass) {
  Batches batches(
      data,
      stages_of(stage_to_rank, context.rank).size(),
      pass,
      context.device);
  if (batches.num_microbatches() == 0) {
    // There are fewer rows than the replicas have microbatches.
    return pass.early_end == nullptr || pass.early_end->wait_for_others();
  }
  ForwardStream stream(stage_to_rank, batches.num_microbatches());
  StepInputs inputs;
  inputs.pass = pass.pass;
  inputs.seed = pass.seed;
  inputs.place = [&](int microbatch) { return batches.place(microbatch); };
  inputs.user_inputs = [&](int microbatch) -> const UserInputs& {
    return batches.user_inputs(microbatch);
  };
  inputs.on_outputs = [&](int microbatch, const auto& outputs) {
    const auto [batch, index] = batches.place(microbatch);
    pass.on_outputs(batch, batches.data(batch), index, outputs);
    return at::Tensor();
  };
  std::vector<Action> actions;
  bool ended_early = false;
  for (int64_t slot = 0; slot < stream.num_slots();) {
    int64_t end = slot + kSlotsAtATime;
    if (pass.early_end != nullptr && !ended_early) {
      end = std::min(end, pass.early_end->next_slot());
    }
    end = std::min(end, stream.num_slots());
    actions.clear();
    stream.append(context.rank, slot, end, actions);
    executor.run_part(actions, inputs);
    slot = end;
    if (pass.early_end != nullptr && !ended_early &&
        slot < stream.num_slots() && pass.early_end->is_asked(slot)) {
      ended_early = true;
      stream.end_early(slot);
    }
  }
  executor.finish();
  batches.drop_finished();
  if (pass.early_end != nullptr && !ended_early) {
    ended_early = !pass.early_end->wait_for_others();
  }
  return !ended_early;
}

}  // namespace pp
