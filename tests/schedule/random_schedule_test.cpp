// Thousands of random schedules, valid and broken. A plain interpreter runs
// each with real queues, independently of how validate() works, and the two
// must agree on every schedule.

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "runtime/schedule/lower.h"
#include "runtime/schedule/validate.h"
#include "tests/schedule/random_schedules.h"
#include "tests/schedule/support.h"

namespace pp {
namespace {

// Runs a lowered schedule the slow and simple way. A send waits until its
// receiver has called a receive; the oldest send meets the oldest receive,
// whatever they are.
class Interpreter {
 public:
  Interpreter(const Schedule& schedule, int num_microbatches, bool training)
      : schedule_(schedule),
        num_microbatches_(num_microbatches),
        training_(training),
        next_(schedule.ranks.size(), 0) {}

  // Returns whether it ends with all work done once and every message received.
  // Waits for sends, and reductions, must all be present or all absent.
  bool run() {
    bool moved = true;
    while (moved && !failed_) {
      moved = false;
      for (size_t rank = 0; rank < next_.size(); ++rank) {
        moved |= step(static_cast<int32_t>(rank));
      }
    }
    for (size_t rank = 0; rank < next_.size(); ++rank) {
      failed_ |= next_[rank] != schedule_.ranks[rank].size();
    }
    return !failed_ && is_complete();
  }

 private:
  using Key = std::pair<int32_t, int32_t>;   // stage, microbatch
  using Link = std::pair<int32_t, int32_t>;  // from, to

  int32_t rank_of(int32_t stage) const {
    return stage < 0 || stage >= num_stages() ? -1
                                              : schedule_.stage_to_rank[stage];
  }
  int32_t num_stages() const {
    return static_cast<int32_t>(schedule_.stage_to_rank.size());
  }

  // Returns false if the rank can't continue now; sets failed_ if it never can.
  bool step(int32_t rank) {
    if (next_[rank] == schedule_.ranks[rank].size() || failed_) {
      return false;
    }
    const Action& action = schedule_.ranks[rank][next_[rank]];
    if (action.microbatch >= num_microbatches_) {
      failed_ = true;
      return false;
    }
    if (!perform(rank, action)) {
      return false;
    }
    ++next_[rank];
    return true;
  }

  bool fail() {
    failed_ = true;
    return false;
  }

  bool perform(int32_t rank, const Action& action) {
    const Key key = {action.stage, action.microbatch};
    switch (action.kind) {
      case ActionKind::Forward:
        return forward(rank, key);
      case ActionKind::FullBackward:
      case ActionKind::BackwardInput:
        return backward(rank, key, action.kind);
      case ActionKind::BackwardWeight:
        return input_.count(key) == 0 || !weight_.insert(key).second ? fail()
                                                                     : true;
      case ActionKind::SendForward:
        return send(
            rank, rank_of(action.stage + 1), forward_.count(key) > 0, action);
      case ActionKind::SendBackward:
        return send(
            rank, rank_of(action.stage - 1), input_.count(key) > 0, action);
      case ActionKind::RecvForward:
        return recv(rank_of(action.stage - 1), rank, action);
      case ActionKind::RecvBackward:
        return recv(rank_of(action.stage + 1), rank, action);
      case ActionKind::WaitSendForward:
      case ActionKind::WaitSendBackward:
        return wait(action);
      default:
        return reduce(action);
    }
  }

  bool forward(int32_t rank, const Key& key) {
    const auto [stage, mb] = key;
    if (stage > 0 && rank_of(stage - 1) == rank) {
      if (forward_.count({stage - 1, mb}) == 0) {
        return fail();  // its own rank has to do that first
      }
    } else if (stage > 0 && activation_.count(key) == 0) {
      return posted_.count({stage, mb, true}) == 0 ? fail() : false;
    }
    return forward_.insert(key).second ? true : fail();
  }

  bool backward(int32_t rank, const Key& key, ActionKind kind) {
    const auto [stage, mb] = key;
    if (!training_ || forward_.count(key) == 0) {
      return fail();
    }
    if (stage + 1 < num_stages() && rank_of(stage + 1) == rank) {
      if (input_.count({stage + 1, mb}) == 0) {
        return fail();
      }
    } else if (stage + 1 < num_stages() && gradient_.count(key) == 0) {
      return posted_.count({stage, mb, false}) == 0 ? fail() : false;
    }
    if (!input_.insert(key).second) {
      return fail();
    }
    if (kind == ActionKind::FullBackward) {
      weight_.insert(key);
    }
    return true;
  }

  bool send(int32_t from, int32_t to, bool is_made, const Action& action) {
    if (to < 0 || to == from || !is_made) {
      return fail();
    }
    auto& waiting = receives_[{from, to}];
    if (waiting.empty()) {
      return false;
    }
    const Action recv = waiting.front();
    waiting.pop_front();
    const bool is_forward = action.kind == ActionKind::SendForward;
    const Action expected = {
        action.stage + (is_forward ? 1 : -1),
        action.microbatch,
        is_forward ? ActionKind::RecvForward : ActionKind::RecvBackward};
    if (recv != expected || !sent_.insert(to_string(action)).second) {
      return fail();
    }
    (is_forward ? activation_ : gradient_)
        .insert({recv.stage, recv.microbatch});
    return true;
  }

  bool recv(int32_t from, int32_t to, const Action& action) {
    const bool is_forward = action.kind == ActionKind::RecvForward;
    if (from < 0 || from == to ||
        !posted_.insert({action.stage, action.microbatch, is_forward}).second) {
      return fail();
    }
    receives_[{from, to}].push_back(action);
    return true;
  }

  bool wait(const Action& action) {
    const std::string name = to_string(Action{
        action.stage,
        action.microbatch,
        action.kind == ActionKind::WaitSendForward ? ActionKind::SendForward
                                                   : ActionKind::SendBackward});
    return sent_.count(name) == 0 || !waited_.insert(name).second ? fail()
                                                                  : true;
  }

  bool reduce(const Action& action) {
    if (action.kind == ActionKind::WaitReduceGrad) {
      return reduced_.count(action.stage) == 0 ||
                     !reduce_waited_.insert(action.stage).second
                 ? fail()
                 : true;
    }
    for (int32_t mb = 0; mb < num_microbatches_; ++mb) {
      if (weight_.count({action.stage, mb}) == 0) {
        return fail();
      }
    }
    return reduced_.insert(action.stage).second ? true : fail();
  }

  bool is_complete() const {
    const size_t work = static_cast<size_t>(num_stages()) *
                        static_cast<size_t>(num_microbatches_);
    bool receives_met = true;
    for (const auto& [link, waiting] : receives_) {
      receives_met &= waiting.empty();
    }
    return receives_met && forward_.size() == work &&
           (!training_ || (input_.size() == work && weight_.size() == work)) &&
           (reduced_.empty() ||
            reduced_.size() == schedule_.stage_to_rank.size()) &&
           reduce_waited_.size() == reduced_.size() &&
           (waited_.empty() || waited_.size() == sent_.size());
  }

  const Schedule& schedule_;
  int num_microbatches_;
  bool training_;
  bool failed_ = false;
  std::vector<size_t> next_;
  std::set<Key> forward_, input_, weight_, activation_, gradient_;
  std::set<std::tuple<int32_t, int32_t, bool>> posted_;
  std::map<Link, std::deque<Action>> receives_;
  std::set<std::string> sent_, waited_;
  std::set<int32_t> reduced_, reduce_waited_;
};

bool passes_validation(const Schedule& schedule, int mb, bool training) {
  try {
    validate(schedule, mb, training);
    return true;
  } catch (const Error&) {
    return false;
  }
}

constexpr int kRounds = 3000;

TEST(RandomSchedules, EveryValidOneLowersAndRunsToTheEnd) {
  Random random(1);
  for (int round = 0; round < kRounds; ++round) {
    const int mb = 1 + pick(random, 6);
    const bool training = pick(random, 4) != 0;
    const Schedule schedule =
        random_schedule(random, random_map(random), mb, training);
    ASSERT_NO_THROW(validate(schedule, mb, training)) << to_csv(schedule);
    const Schedule lowered = lower(schedule);
    for (const Schedule& variant :
         {lowered,
          defer_recv(lowered),
          limit_sends(lowered, 1 + pick(random, 3)),
          limit_sends(defer_recv(lowered), 1)}) {
      ASSERT_NO_THROW(validate(variant, mb, training)) << to_csv(variant);
      ASSERT_TRUE(Interpreter(variant, mb, training).run()) << to_csv(variant);
    }
  }
}

TEST(RandomSchedules, TheVerdictOnABrokenOneIsTheInterpreters) {
  Random random(2);
  int num_valid = 0;
  int num_broken = 0;
  for (int round = 0; round < 4 * kRounds; ++round) {
    const int mb = 1 + pick(random, 5);
    const bool training = pick(random, 4) != 0;
    Schedule schedule =
        lower(random_schedule(random, random_map(random), mb, training));
    for (int change = 1 + pick(random, 3); change > 0; --change) {
      mutate(random, schedule, mb);
    }
    const bool runs = Interpreter(schedule, mb, training).run();
    ASSERT_EQ(passes_validation(schedule, mb, training), runs)
        << to_csv(schedule);
    ++(runs ? num_valid : num_broken);
  }
  EXPECT_GT(num_valid, kRounds / 10);
  EXPECT_GT(num_broken, kRounds);
}

TEST(RandomSchedules, ABrokenComputeOrderIsRefusedByLoweringOrValidation) {
  Random random(3);
  int num_broken = 0;
  for (int round = 0; round < 2 * kRounds; ++round) {
    const int mb = 1 + pick(random, 5);
    Schedule schedule = random_schedule(random, random_map(random), mb, true);
    mutate(random, schedule, mb);
    if (passes_validation(schedule, mb, true)) {
      const Schedule lowered = lower(schedule);
      ASSERT_TRUE(passes_validation(lowered, mb, true)) << to_csv(schedule);
      ASSERT_TRUE(Interpreter(lowered, mb, true).run()) << to_csv(schedule);
    } else {
      ++num_broken;
    }
  }
  EXPECT_GT(num_broken, kRounds / 2);
}

}  // namespace
}  // namespace pp
