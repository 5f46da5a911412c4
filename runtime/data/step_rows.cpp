#include "runtime/data/step_rows.h"

#include <algorithm>

#include "loader/core/count_text.h"
#include "loader/core/error.h"

namespace pp {

StepRows::StepRows(
    int64_t num_rows, const BatchPlan& plan, const LastBatch& last)
    : num_rows_(num_rows), plan_(plan), last_(last) {
  check(plan.batch_size > 0, "the batch must have been planned");
  settle_steps();
  if (fills_microbatches()) {
    settle_padding();
  }
}

/// Decides what happens to the rows that don't fill a batch.
void StepRows::settle_steps() {
  const int64_t rest = num_rows_ % plan_.batch_size;
  const bool too_few = rest < plan_.total_microbatches() && !last_.keep_short;
  steps_per_epoch_ = num_rows_ / plan_.batch_size;
  std::string why;
  if (plan_.fixed_rows && !last_.pads_fixed) {
    why = "the model was exported with a fixed batch";
  } else if (too_few && !fills_microbatches()) {
    why = "each microbatch needs a row";
  }
  if (rest > 0 && !last_.drop && why.empty()) {
    if (steps_per_epoch_++ == 0 && !last_.keep_short && !last_.pads_fixed) {
      notices_.push_back(
          "batch_size is " + std::to_string(plan_.batch_size) +
          ", but the data has " + count_text(num_rows_, "row", "rows") +
          ": each step uses all of them");
    }
  } else if (rest > 0 && !last_.drop) {
    notices_.push_back(
        "the last " + std::to_string(rest) + " of " +
        count_text(num_rows_, "row", "rows") + " of each epoch " +
        (rest == 1 ? "is" : "are") + " left out: " + why);
  }
  if (steps_per_epoch_ == 0) {
    const std::string reason = last_.drop ? "drop_last" : why;
    throw usage_error(
        "the data has " + count_text(num_rows_, "row", "rows") +
        ", fewer than one batch of " + std::to_string(plan_.batch_size) +
        (reason.empty()
             ? ""
             : ", and a partial batch is left out (" + reason + ")") +
        "; set a smaller batch_size");
  }
}

void StepRows::settle_padding() {
  const int64_t fixed = *plan_.fixed_rows;
  const int64_t last = std::min(
      plan_.batch_size, num_rows_ - (steps_per_epoch_ - 1) * plan_.batch_size);
  padding_ = (fixed - last % fixed) % fixed;
  if (last_.is_padding_trial) {
    check(padding_ > 0, "a trial needs padding rows");
    steps_per_epoch_ = 1;
  }
}

int StepRows::num_microbatches(int64_t step) const {
  if (last_.is_padding_trial) {
    return 2;
  }
  const auto [begin, end] = positions(step);
  const int64_t most = fills_microbatches()
                           ? (end - begin + padding(step)) / *plan_.fixed_rows
                           : num_rows_ - begin;
  return static_cast<int>(std::min<int64_t>(plan_.total_microbatches(), most));
}

std::pair<int, int> StepRows::own_microbatches(
    int64_t step, int replica) const {
  const int all = num_microbatches(step);
  if (last_.is_padding_trial) {
    return {0, all};
  }
  const int first = std::min(all, plan_.num_microbatches * replica);
  return {first, std::min(plan_.num_microbatches, all - first)};
}

std::pair<int64_t, int64_t> StepRows::positions(int64_t step) const {
  check(step >= 0, "a step must be 0 or more");
  if (last_.is_padding_trial) {
    return {num_rows_ + padding_ - *plan_.fixed_rows, num_rows_};
  }
  const int64_t begin = step % steps_per_epoch_ * plan_.batch_size;
  return {begin, std::min(begin + plan_.batch_size, num_rows_)};
}

int64_t StepRows::padding(int64_t step) const {
  return step % steps_per_epoch_ == steps_per_epoch_ - 1 ? padding_ : 0;
}

std::set<int64_t> StepRows::microbatch_sizes() const {
  if (fills_microbatches()) {
    return {*plan_.fixed_rows};
  }
  const int64_t batch = plan_.batch_size;
  std::set<int64_t> out;
  for (const int64_t rows :
       {std::min(batch, num_rows_),
        num_rows_ - (steps_per_epoch_ - 1) * batch}) {
    const int64_t most = plan_.total_microbatches();
    for (const int64_t count : chunk_sizes(
             std::min(rows, batch), static_cast<int>(std::min(most, rows)))) {
      out.insert(count);
    }
  }
  return out;
}

}  // namespace pp
