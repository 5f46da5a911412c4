#include "runtime/schedule/schedules/blocks.h"

namespace pp {

std::vector<StageRange> stage_ranges(const StageMap& map, const Shape& shape) {
  std::vector<StageRange> ranges(shape.num_ranks, {shape.num_stages, -1});
  for (int stage = 0; stage < shape.num_stages; ++stage) {
    StageRange& range = ranges[map[stage]];
    range.first = std::min(range.first, stage);
    range.last = stage;
  }
  return ranges;
}

void append_forward(
    std::vector<Action>& program, const StageRange& stages, int microbatch) {
  for (int stage = stages.first; stage <= stages.last; ++stage) {
    program.push_back({stage, microbatch, ActionKind::Forward});
  }
}

void append_backward(
    std::vector<Action>& program, const StageRange& stages, int microbatch) {
  for (int stage = stages.last; stage >= stages.first; --stage) {
    program.push_back({stage, microbatch, ActionKind::FullBackward});
  }
}

}  // namespace pp
