#include "runtime/schedule/check_actions.h"

#include "loader/core/error.h"

namespace pp {
namespace {

// The kinds of action seen for a stage and microbatch.
using Seen = KindSet;

constexpr Seen kForward = bit(ActionKind::Forward);
constexpr Seen kFull = bit(ActionKind::FullBackward);
constexpr Seen kInput = bit(ActionKind::BackwardInput);
constexpr Seen kWeight = bit(ActionKind::BackwardWeight);
constexpr Seen kMessages =
    bit(ActionKind::SendForward) | bit(ActionKind::RecvForward) |
    bit(ActionKind::SendBackward) | bit(ActionKind::RecvBackward);
constexpr Seen kWaits =
    bit(ActionKind::WaitSendForward) | bit(ActionKind::WaitSendBackward);

class Checker {
 public:
  Checker(
      const Schedule& schedule,
      int num_microbatches,
      bool training,
      KindSet kinds)
      : schedule_(schedule),
        num_microbatches_(num_microbatches),
        num_stages_(static_cast<int32_t>(schedule.stage_to_rank.size())),
        training_(training),
        seen_(
            schedule.stage_to_rank.size() *
                static_cast<size_t>(num_microbatches),
            0),
        stage_seen_(schedule.stage_to_rank.size(), 0),
        backwards_done_(schedule.stage_to_rank.size(), 0) {
    has_messages_ = (kinds & (kMessages | kWaits)) != 0;
    has_waits_ = (kinds & kWaits) != 0;
    has_unshard_ = (kinds & bit(ActionKind::Unshard)) != 0;
    has_reduce_ = (kinds & (bit(ActionKind::ReduceGrad) |
                            bit(ActionKind::WaitReduceGrad))) != 0;
  }

  void run() {
    for (rank_ = 0; rank_ < schedule_.ranks.size(); ++rank_) {
      const auto& program = schedule_.ranks[rank_];
      for (at_ = 0; at_ < program.size(); ++at_) {
        visit(program[at_]);
      }
      if (!program.empty() && program.back().overlaps_next) {
        --at_;
        refuse(program.back(), "overlaps the next action, but is the last");
      }
    }
    check_complete();
  }

 private:
  Seen& seen(const Action& action) {
    return seen_
        [static_cast<size_t>(action.stage) *
             static_cast<size_t>(num_microbatches_) +
         static_cast<size_t>(action.microbatch)];
  }

  [[noreturn]] void refuse(const Action& action, const std::string& why) const {
    throw usage_error(
        "rank " + std::to_string(rank_) + ", position " + std::to_string(at_) +
        ": " + to_string(action) + " " + why);
  }

  void visit(const Action& action) {
    if (!has_microbatch(action.kind)) {
      if (action.microbatch != kNoMicrobatch) {
        refuse(action, "is for a whole stage and must not name a microbatch");
      }
      visit_stage_action(action);
      return;
    }
    if (action.microbatch < 0 || action.microbatch >= num_microbatches_) {
      refuse(
          action,
          "names a microbatch outside 0 to " +
              std::to_string(num_microbatches_ - 1));
    }
    Seen& before = seen(action);
    if ((before & bit(action.kind)) != 0) {
      refuse(action, "appears a second time");
    }
    check_order(action, before);
    before |= bit(action.kind);
  }

  void need(const Action& action, Seen before, ActionKind kind) const {
    if ((before & bit(kind)) == 0) {
      refuse(
          action,
          "comes before " +
              to_string(Action{action.stage, action.microbatch, kind}));
    }
  }

  bool crosses(int32_t stage, int32_t other) const {
    return other >= 0 && other < num_stages_ &&
           schedule_.stage_to_rank[stage] != schedule_.stage_to_rank[other];
  }

  void need_crossing(const Action& action, int32_t other) const {
    if (!crosses(action.stage, other)) {
      refuse(
          action,
          "needs a neighbouring stage on another rank, but there is none");
    }
  }

  void check_order(const Action& action, Seen before) {
    const int32_t above = action.stage - 1;
    const int32_t below = action.stage + 1;
    if (!training_ && action.kind != ActionKind::Forward &&
        (bit(action.kind) & (kFull | kInput | kWeight)) != 0) {
      refuse(action, "is a backward, but the schedule only runs forwards");
    }
    switch (action.kind) {
      case ActionKind::Forward:
        if (has_messages_ && crosses(action.stage, above)) {
          need(action, before, ActionKind::RecvForward);
        }
        need_unsharded(action);
        break;
      case ActionKind::FullBackward:
      case ActionKind::BackwardInput:
        if ((before & (kFull | kInput)) != 0) {
          refuse(action, "is a second backward of its microbatch");
        }
        need(action, before, ActionKind::Forward);
        if (has_messages_ && crosses(action.stage, below)) {
          need(action, before, ActionKind::RecvBackward);
        }
        need_unsharded(action);
        backwards_done_[action.stage] +=
            action.kind == ActionKind::FullBackward ? 1 : 0;
        break;
      case ActionKind::BackwardWeight:
        need(action, before, ActionKind::BackwardInput);
        need_unsharded(action);
        ++backwards_done_[action.stage];
        break;
      case ActionKind::SendForward:
        need_crossing(action, below);
        need(action, before, ActionKind::Forward);
        break;
      case ActionKind::RecvForward:
        need_crossing(action, above);
        break;
      case ActionKind::SendBackward:
        need_crossing(action, above);
        if ((before & (kFull | kInput)) == 0) {
          need(action, before, ActionKind::FullBackward);
        }
        break;
      case ActionKind::RecvBackward:
        need_crossing(action, below);
        break;
      case ActionKind::WaitSendForward:
        need(action, before, ActionKind::SendForward);
        break;
      case ActionKind::WaitSendBackward:
        need(action, before, ActionKind::SendBackward);
        break;
      default:
        break;
    }
  }

  void need_unsharded(const Action& action) const {
    if (has_unshard_ &&
        (stage_seen_[action.stage] & bit(ActionKind::Unshard)) == 0) {
      refuse(
          action,
          "needs an UNSHARD of its stage first, and again after each RESHARD");
    }
  }

  void visit_stage_action(const Action& action) {
    Seen& state = stage_seen_[action.stage];
    const Seen unsharded = bit(ActionKind::Unshard);
    switch (action.kind) {
      case ActionKind::Unshard:
        if ((state & unsharded) != 0) {
          refuse(
              action,
              "repeats an UNSHARD of its stage; a RESHARD must come between");
        }
        state |= unsharded;
        break;
      case ActionKind::Reshard:
        if ((state & unsharded) == 0) {
          refuse(action, "has no matching UNSHARD of its stage before it");
        }
        state = static_cast<Seen>(state & ~unsharded);
        break;
      case ActionKind::ReduceGrad:
        if ((state & bit(action.kind)) != 0) {
          refuse(action, "appears a second time");
        }
        if (backwards_done_[action.stage] != num_microbatches_) {
          refuse(
              action,
              "must come after all " + std::to_string(num_microbatches_) +
                  " backwards of the stage, but comes after " +
                  std::to_string(backwards_done_[action.stage]));
        }
        state |= bit(action.kind);
        break;
      default:
        if ((state & bit(action.kind)) != 0) {
          refuse(action, "appears a second time");
        }
        if ((state & bit(ActionKind::ReduceGrad)) == 0) {
          refuse(action, "comes before its REDUCE_GRAD");
        }
        state |= bit(action.kind);
    }
  }

  [[noreturn]] void refuse_missing(
      int32_t stage, int32_t microbatch, ActionKind kind) const {
    throw usage_error(
        "rank " + std::to_string(schedule_.stage_to_rank[stage]) + " lacks " +
        to_string(Action{stage, microbatch, kind}) + "; each stage needs " +
        (training_ ? "F and B (or I and W)" : std::string("F")) +
        " of microbatches 0 to " + std::to_string(num_microbatches_ - 1) +
        (has_messages_ ? ", and both ends of each message" : ""));
  }

  void check_complete() const {
    size_t i = 0;
    for (int32_t stage = 0; stage < num_stages_; ++stage) {
      const Seen expected = expected_messages(stage);
      for (int32_t mb = 0; mb < num_microbatches_; ++mb) {
        const Seen found = seen_[i++];
        const Seen absent = static_cast<Seen>((kForward | expected) & ~found);
        for (int kind = 0; kind < kNumActionKinds; ++kind) {
          if ((absent & (1U << kind)) != 0) {
            refuse_missing(stage, mb, static_cast<ActionKind>(kind));
          }
        }
        if (!training_ || (found & (kFull | kWeight)) != 0) {
          continue;
        }
        refuse_missing(
            stage,
            mb,
            (found & kInput) != 0 ? ActionKind::BackwardWeight
                                  : ActionKind::FullBackward);
      }
      check_reduced(stage);
    }
  }

  void check_reduced(int32_t stage) const {
    const Seen state = stage_seen_[stage];
    if (has_reduce_ && (state & bit(ActionKind::ReduceGrad)) == 0) {
      refuse_missing(stage, kNoMicrobatch, ActionKind::ReduceGrad);
    }
    if (has_reduce_ && (state & bit(ActionKind::WaitReduceGrad)) == 0) {
      refuse_missing(stage, kNoMicrobatch, ActionKind::WaitReduceGrad);
    }
  }

  Seen expected_messages(int32_t stage) const {
    Seen expected = 0;
    if (has_messages_ && crosses(stage, stage + 1)) {
      expected |= bit(ActionKind::SendForward);
      expected |= training_ ? bit(ActionKind::RecvBackward) : Seen{0};
    }
    if (has_messages_ && crosses(stage, stage - 1)) {
      expected |= bit(ActionKind::RecvForward);
      expected |= training_ ? bit(ActionKind::SendBackward) : Seen{0};
    }
    if (has_waits_) {
      expected |= (expected & bit(ActionKind::SendForward)) != 0
                      ? bit(ActionKind::WaitSendForward)
                      : Seen{0};
      expected |= (expected & bit(ActionKind::SendBackward)) != 0
                      ? bit(ActionKind::WaitSendBackward)
                      : Seen{0};
    }
    return expected;
  }

  const Schedule& schedule_;
  int32_t num_microbatches_;
  int32_t num_stages_;
  bool training_;
  bool has_messages_ = false;
  bool has_waits_ = false;
  bool has_unshard_ = false;
  bool has_reduce_ = false;
  std::vector<Seen> seen_;        // by stage and microbatch
  std::vector<Seen> stage_seen_;  // by stage
  std::vector<int32_t> backwards_done_;
  size_t rank_ = 0;
  size_t at_ = 0;
};

}  // namespace

void check_actions(
    const Schedule& schedule,
    int num_microbatches,
    bool training,
    KindSet kinds) {
  if (num_microbatches < 1) {
    throw usage_error(
        "a schedule needs at least 1 microbatch, got " +
        std::to_string(num_microbatches));
  }
  Checker(schedule, num_microbatches, training, kinds).run();
}

}  // namespace pp
