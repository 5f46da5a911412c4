#include "runtime/pipeline/early_end.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>

#include "loader/core/seconds_since.h"
#include "runtime/rank/collectives.h"

namespace pp {

namespace {

// An exchange of messages costs about 100 us, and a signal should be obeyed
// within a second.
constexpr double kSecondsBetweenQuestions = 0.5;
constexpr int64_t kMostSlots = 1 << 20;

Message message_of(bool stop, bool is_done, double seconds) {
  Message message;
  message.tensors.push_back(at::empty({3}, at::kDouble));
  message.requires_grad.push_back(0);
  auto* numbers = message.tensors[0].data_ptr<double>();
  numbers[0] = stop ? 1 : 0;
  numbers[1] = is_done ? 1 : 0;
  numbers[2] = seconds;
  return message;
}

}  // namespace

EarlyEnd::EarlyEnd(RankContext& world, std::stop_token stop)
    : world_(world),
      stop_(std::move(stop)),
      last_(std::chrono::steady_clock::now()) {}

EarlyEnd::Answer EarlyEnd::ask(bool is_done) {
  const auto own =
      message_of(stop_.stop_requested(), is_done, seconds_since(last_));
  bool stop = false;
  bool all_done = true;
  double longest_s = 0;
  for (const Message& message : gather(world_, own)) {
    const auto* numbers = message.tensors.at(0).const_data_ptr<double>();
    stop = stop || numbers[0] != 0;
    all_done = all_done && numbers[1] != 0;
    longest_s = std::max(longest_s, numbers[2]);
  }
  const Message answer =
      broadcast(world_, message_of(stop, all_done, longest_s));
  last_ = std::chrono::steady_clock::now();
  const auto* numbers = answer.tensors.at(0).const_data_ptr<double>();
  return {numbers[0] != 0, numbers[1] != 0, numbers[2]};
}

bool EarlyEnd::is_asked(int64_t slot) {
  if (slot != next_slot_) {
    return false;
  }
  const Answer answer = ask(false);
  const double slot_s = answer.longest_s / static_cast<double>(num_slots_);
  // At most double the number: the first slots may be quicker than the others.
  const auto most = std::min(2 * num_slots_, kMostSlots);
  num_slots_ =
      slot_s * static_cast<double>(most) <= kSecondsBetweenQuestions
          ? most
          : std::max<int64_t>(
                1, static_cast<int64_t>(kSecondsBetweenQuestions / slot_s));
  next_slot_ += num_slots_;
  return answer.stop;
}

bool EarlyEnd::wait_for_others() {
  Answer answer;
  while (!answer.all_done && !answer.stop) {
    answer = ask(true);
  }
  return answer.all_done;
}

}  // namespace pp
