#include "runtime/schedule/lower.h"

namespace pp {

Schedule merge_backward(Schedule schedule) {
  for (auto& program : schedule.ranks) {
    std::vector<Action> out;
    out.reserve(program.size());
    for (const Action& action : program) {
      const bool merges = !out.empty() && !out.back().overlaps_next &&
                          out.back().kind == ActionKind::BackwardInput &&
                          action.kind == ActionKind::BackwardWeight &&
                          out.back().stage == action.stage &&
                          out.back().microbatch == action.microbatch;
      if (merges) {
        out.back().kind = ActionKind::FullBackward;
        out.back().overlaps_next = action.overlaps_next;
      } else {
        out.push_back(action);
      }
    }
    program = std::move(out);
  }
  return schedule;
}

}  // namespace pp
