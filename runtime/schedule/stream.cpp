#include "runtime/schedule/stream.h"

#include <algorithm>
#include <limits>

#include "loader/core/error.h"

namespace pp {
namespace {

StageMap with_ranks(StageMap map) {
  for (size_t stage = 0; stage < map.size(); ++stage) {
    if (map[stage] < 0) {
      throw usage_error("stage " + std::to_string(stage) + " has no rank");
    }
  }
  return map;
}

// Whether two runs of `length` slots overlap when both repeat every `period`.
bool meet(int64_t a, int64_t b, int64_t length, int64_t period) {
  const int64_t distance = ((a - b) % period + period) % period;
  return distance < length || period - distance < length;
}

}  // namespace

ForwardStream::ForwardStream(StageMap stage_to_rank, int64_t num_microbatches)
    : stage_to_rank_(with_ranks(std::move(stage_to_rank))),
      stages_of_(stages_by_rank(stage_to_rank_)),
      num_microbatches_(num_microbatches) {
  constexpr int64_t kMaxMicrobatches = std::numeric_limits<int32_t>::max();
  if (stage_to_rank_.empty() || num_microbatches < 1 ||
      num_microbatches > kMaxMicrobatches) {
    throw usage_error(
        "a stream needs at least 1 stage and 1 to " +
        std::to_string(kMaxMicrobatches) + " microbatches, but has " +
        std::to_string(stage_to_rank_.size()) + " stages and " +
        std::to_string(num_microbatches) + " microbatches");
  }
  // With a loop placement, the pipeline fills fastest if a group has as many
  // microbatches as there are ranks; with a V or blocks, if it has one.
  int best = 1;
  for (int group = 1; group <= static_cast<int>(stages_of_.size()); ++group) {
    if (!place(group)) {
      continue;
    }
    const int64_t slots = slot_of(num_stages() - 1, num_microbatches_ - 1) + 1;
    if (num_slots_ == 0 || slots < num_slots_) {
      num_slots_ = slots;
      best = group;
    }
  }
  place(best);
}

// Gives each stage its offset: the first free one after that of the stage
// before. Returns false if the free slots of a rank are too scattered for
// groups of this size; a group of one always fits.
bool ForwardStream::place(int group) {
  size_t most = 0;
  for (const std::vector<int>& stages : stages_of_) {
    most = std::max(most, stages.size());
  }
  group_ = group;
  period_ = static_cast<int64_t>(most) * group;
  offsets_.clear();
  for (int stage = 0; stage < num_stages(); ++stage) {
    const auto is_free = [&](int64_t offset) {
      const std::vector<int>& same_rank = stages_of_[stage_to_rank_[stage]];
      return std::ranges::none_of(same_rank, [&](int other) {
        return other < stage && meet(offset, offsets_[other], group_, period_);
      });
    };
    const int64_t first = stage == 0 ? 0 : offsets_.back() + 1;
    int64_t offset = first;
    while (offset < first + period_ && !is_free(offset)) {
      ++offset;
    }
    if (offset == first + period_) {
      return false;
    }
    offsets_.push_back(offset);
  }
  return true;
}

int64_t ForwardStream::slot_of(int stage, int64_t microbatch) const {
  return offsets_[stage] + microbatch / group_ * period_ + microbatch % group_;
}

void ForwardStream::end_early(int64_t slot) {
  int64_t begun = 0;
  while (begun < num_microbatches_ && slot_of(0, begun) < slot) {
    ++begun;
  }
  if (begun == 0 || begun == num_microbatches_) {
    return;
  }
  num_microbatches_ = begun;
  // At least one slot is left: the waits for the last sends are in it.
  num_slots_ = std::max(slot_of(num_stages() - 1, begun - 1), slot) + 1;
}

// The microbatch that a stage runs in a slot; -1: none.
int64_t ForwardStream::microbatch_at(int stage, int64_t slot) const {
  const int64_t since = slot - offsets_[stage];
  if (since < 0 || since % period_ >= group_) {
    return -1;
  }
  const int64_t microbatch = since / period_ * group_ + since % period_;
  return microbatch < num_microbatches_ ? microbatch : -1;
}

bool ForwardStream::sends(int stage) const {
  return stage + 1 < num_stages() &&
         stage_to_rank_[stage] != stage_to_rank_[stage + 1];
}

void ForwardStream::append(
    int rank, int64_t begin, int64_t end, std::vector<Action>& out) const {
  for (int64_t slot = begin; slot < std::min(end, num_slots_); ++slot) {
    append_receives(rank, slot, Senders::Below, out);
    for (const int stage : stages_of_.at(rank)) {
      const int64_t microbatch = microbatch_at(stage, slot);
      if (microbatch >= 0) {
        append_forward(stage, microbatch, out);
      }
    }
    append_receives(rank, slot, Senders::Above, out);
  }
  if (begin < num_slots_ && end >= num_slots_) {
    append_last_waits(rank, out);
  }
}

// Appends the receives of what other ranks send in this slot, in the order of
// the senders: those below this rank come before its own forward, those above
// after it. So all lists agree with one order of messages, by slot and sender.
void ForwardStream::append_receives(
    int rank, int64_t slot, Senders senders, std::vector<Action>& out) const {
  const auto first = static_cast<std::ptrdiff_t>(out.size());
  for (const int stage : stages_of_.at(rank)) {
    if (stage == 0 || !sends(stage - 1) ||
        (stage_to_rank_[stage - 1] < rank) != (senders == Senders::Below)) {
      continue;
    }
    const int64_t microbatch = microbatch_at(stage - 1, slot);
    if (microbatch >= 0) {
      out.push_back(
          {stage, static_cast<int32_t>(microbatch), ActionKind::RecvForward});
    }
  }
  std::sort(
      out.begin() + first, out.end(), [&](const Action& a, const Action& b) {
        return stage_to_rank_[a.stage - 1] < stage_to_rank_[b.stage - 1];
      });
}

void ForwardStream::append_forward(
    int stage, int64_t microbatch, std::vector<Action>& out) const {
  const auto mb = static_cast<int32_t>(microbatch);
  out.push_back({stage, mb, ActionKind::Forward});
  if (sends(stage)) {
    if (mb >= 2) {
      out.push_back({stage, mb - 2, ActionKind::WaitSendForward});
    }
    out.push_back({stage, mb, ActionKind::SendForward});
  }
}

void ForwardStream::append_last_waits(
    int rank, std::vector<Action>& out) const {
  const auto count = static_cast<int32_t>(num_microbatches_);
  for (const int stage : stages_of_.at(rank)) {
    for (int32_t mb = std::max(0, count - 2); sends(stage) && mb < count;
         ++mb) {
      out.push_back({stage, mb, ActionKind::WaitSendForward});
    }
  }
}

Schedule forward_stream(const StageMap& stage_to_rank, int num_microbatches) {
  const ForwardStream stream(stage_to_rank, num_microbatches);
  Schedule schedule;
  schedule.stage_to_rank = stage_to_rank;
  schedule.ranks.resize(
      static_cast<size_t>(*std::ranges::max_element(stage_to_rank)) + 1);
  for (size_t rank = 0; rank < schedule.ranks.size(); ++rank) {
    stream.append(
        static_cast<int>(rank), 0, stream.num_slots(), schedule.ranks[rank]);
  }
  return schedule;
}

}  // namespace pp
