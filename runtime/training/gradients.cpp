#include "runtime/training/gradients.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include "loader/core/error.h"
#include "runtime/optim/grad_norm.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/rank/collectives.h"
#include "runtime/stage/add_to.h"

namespace pp {

namespace {

/// The parameter's gradient; null where it is not trained.
at::Tensor* try_gradient(
    const std::vector<NamedParameter>& parameters, const std::string& fqn) {
  const auto found = std::ranges::find(parameters, fqn, &NamedParameter::fqn);
  return found == parameters.end() ? nullptr : &found->tensor.mutable_grad();
}

at::Tensor gradient_of(
    const std::vector<NamedParameter>& parameters, const std::string& fqn) {
  const at::Tensor* gradient = try_gradient(parameters, fqn);
  return gradient == nullptr ? at::Tensor() : *gradient;
}

void set_gradient(
    const std::vector<NamedParameter>& parameters,
    const std::string& fqn,
    at::Tensor gradient) {
  at::Tensor* at = try_gradient(parameters, fqn);
  if (at == nullptr) {
    return;
  }
  if (at->defined() && gradient.defined() && !at->device().is_cpu()) {
    at->copy_(gradient);  // captured graphs know it by its address
  } else {
    *at = std::move(gradient);
  }
}

/// The FQNs of the parameters that a stage counts in the norm: all but those
/// that a lower stage counts.
std::vector<std::string> counted_fqns(const Manifest& manifest, int stage) {
  std::vector<std::string> fqns = manifest.stages.at(stage).parameters;
  std::erase_if(fqns, [&](const std::string& fqn) {
    const auto tied =
        std::ranges::find(manifest.tied, fqn, &TiedParameter::fqn);
    return tied != manifest.tied.end() && tied->stages.front() != stage;
  });
  return fqns;
}

Message gradient_message(int stage, const at::Tensor& gradient) {
  Message message;
  message.stage = stage;
  message.tensors.push_back(gradient);
  message.requires_grad.push_back(0);
  return message;
}

at::Tensor receive_gradient(RankContext& context, int rank) {
  return context.transport->recv(rank)
      ->wait(context.stall_timeout)
      .tensors.at(0);
}

void wait_for_all(
    const std::vector<std::unique_ptr<Pending>>& sends,
    const RankContext& context) {
  for (const auto& send : sends) {
    send->wait(context.stall_timeout);
  }
}

/// Adds up a tied parameter's gradients on the rank of its first stage, and
/// sends the sum to all holders.
void sum_on_root(
    RankContext& context,
    const TiedParameter& tied,
    const StageMap& stage_to_rank,
    const Parameters& parameters) {
  at::Tensor sum;
  for (const int stage : tied.stages) {
    const int owner = stage_to_rank.at(stage);
    add_to(
        sum,
        owner == context.rank ? gradient_of(parameters.at(stage), tied.fqn)
                              : receive_gradient(context, owner));
  }
  std::vector<std::unique_ptr<Pending>> sends;
  for (const int stage : tied.stages) {
    const int owner = stage_to_rank.at(stage);
    // Holders may scale their gradient in place, so each gets its own.
    at::Tensor own = sum.defined() ? sum.clone() : sum;
    if (owner == context.rank) {
      set_gradient(parameters.at(stage), tied.fqn, std::move(own));
    } else {
      sends.push_back(
          context.transport->send(gradient_message(stage, own), owner));
    }
  }
  wait_for_all(sends, context);
}

/// Sends a tied parameter's gradients from this rank to `root`, and replaces
/// them by the sum that comes back.
void sum_through(
    int root,
    RankContext& context,
    const TiedParameter& tied,
    const StageMap& stage_to_rank,
    const Parameters& parameters) {
  std::vector<std::unique_ptr<Pending>> sends;
  for (const int stage : tied.stages) {
    if (stage_to_rank.at(stage) == context.rank) {
      sends.push_back(context.transport->send(
          gradient_message(stage, gradient_of(parameters.at(stage), tied.fqn)),
          root));
    }
  }
  for (const int stage : tied.stages) {
    if (stage_to_rank.at(stage) == context.rank) {
      set_gradient(
          parameters.at(stage), tied.fqn, receive_gradient(context, root));
    }
  }
  wait_for_all(sends, context);
}

Message numbers_message(const std::vector<double>& numbers) {
  Message message;
  message.tensors.push_back(
      at::empty({static_cast<int64_t>(numbers.size())}, at::kDouble));
  message.requires_grad.push_back(0);
  std::ranges::copy(numbers, message.tensors[0].data_ptr<double>());
  return message;
}

/// One rank's numbers for the summary, and its parameters' squared norms by
/// stage, in the order of counted_fqns().
Message summary_message(
    const Plan& plan, const Parameters& parameters, const RankSummary& own) {
  std::vector<double> numbers = {
      own.loss,
      own.busy_s,
      own.wall_s,
      own.tokens,
      own.stop ? 1.0 : 0.0,
      own.time_is_up ? 1.0 : 0.0,
      own.counts_norm ? 1.0 : 0.0,
      own.weight,
      static_cast<double>(own.bad_microbatch),
      own.bad_state ? 1.0 : 0.0};
  std::vector<at::Tensor> gradients;
  for (const auto& [index, of_stage] : parameters) {
    for (const std::string& fqn : counted_fqns(plan.source.manifest, index)) {
      gradients.push_back(
          own.counts_norm ? gradient_of(of_stage, fqn) : at::Tensor());
    }
  }
  std::ranges::copy(sums_of_squares(gradients), std::back_inserter(numbers));
  return numbers_message(numbers);
}

/// Keeps the lowest of the microbatches that ranks name.
void note_bad_microbatch(StepSummary& summary, int microbatch) {
  if (microbatch >= 0 &&
      (summary.bad_microbatch < 0 || microbatch < summary.bad_microbatch)) {
    summary.bad_microbatch = microbatch;
  }
}

/// Adds up the messages of all ranks, by rank.
StepSummary sum_up(const Plan& plan, const std::vector<Message>& messages) {
  StepSummary summary;
  std::vector<std::pair<std::string, double>> squares;
  for (size_t rank = 0; rank < messages.size(); ++rank) {
    const double* next = messages[rank].tensors[0].data_ptr<double>();
    summary.loss += *next++;
    summary.busy_s += *next++;
    summary.wall_s += *next++;
    summary.tokens += *next++;
    summary.stop = *next++ != 0 || summary.stop;
    summary.time_is_up = *next++ != 0 || summary.time_is_up;
    const bool counts = *next++ != 0;
    summary.weight = std::max(summary.weight, *next++);
    note_bad_microbatch(summary, static_cast<int>(*next++));
    summary.bad_state = *next++ != 0 || summary.bad_state;
    const int place = plan.mesh.place_of(static_cast<int>(rank));
    for (const int stage :
         stages_of(plan.train_schedule.stage_to_rank, place)) {
      for (const std::string& fqn : counted_fqns(plan.source.manifest, stage)) {
        const double square = *next++;
        if (counts) {
          squares.emplace_back(fqn, square);
        }
      }
    }
  }
  // The order is by parameter, then by rank, whatever stages the ranks have.
  // The numbers may be NaN, which has no place in an order.
  std::ranges::stable_sort(squares, {}, &std::pair<std::string, double>::first);
  std::vector<double> ordered;
  for (const auto& [fqn, square] : squares) {
    ordered.push_back(square);
    if (!std::isfinite(square)) {
      summary.bad_gradients.push_back(fqn);
    }
  }
  // Several replicas may name one parameter, each for its own share.
  const auto [first, last] = std::ranges::unique(summary.bad_gradients);
  summary.bad_gradients.erase(first, last);
  summary.grad_norm = total_norm(ordered);
  return summary;
}

}  // namespace

Parameters trainable_parameters(const std::map<int, Stage>& stages) {
  Parameters parameters;
  for (const auto& [index, stage] : stages) {
    std::vector<NamedParameter>& of_stage = parameters[index];
    for (const StageState& state : stage.states()) {
      if (state.tensor.requires_grad()) {
        of_stage.push_back({state.fqn, state.tensor, state.aliases});
      }
    }
  }
  return parameters;
}

void sum_tied_gradients(
    RankContext& context,
    const Manifest& manifest,
    const StageMap& stage_to_rank,
    const Parameters& parameters) {
  const c10::AutoGradMode no_grad(false);
  for (const TiedParameter& tied : manifest.tied) {
    const int root = stage_to_rank.at(tied.stages.front());
    if (root == context.rank) {
      sum_on_root(context, tied, stage_to_rank, parameters);
    } else {
      sum_through(root, context, tied, stage_to_rank, parameters);
    }
  }
}

StepSummary summarise(
    RankContext& world,
    const Plan& plan,
    const Parameters& parameters,
    const RankSummary& own) {
  const std::vector<Message> all =
      gather(world, summary_message(plan, parameters, own));
  StepSummary summary;
  if (world.rank == 0) {
    summary = sum_up(plan, all);
  }
  const Message from_rank_0 = broadcast(
      world,
      numbers_message(
          {summary.grad_norm,
           summary.loss,
           summary.stop ? 1.0 : 0.0,
           summary.time_is_up ? 1.0 : 0.0,
           summary.weight,
           static_cast<double>(summary.bad_microbatch),
           summary.bad_state ? 1.0 : 0.0}));
  const double* numbers = from_rank_0.tensors[0].data_ptr<double>();
  summary.grad_norm = numbers[0];
  summary.loss = numbers[1];
  summary.stop = numbers[2] != 0;
  summary.time_is_up = numbers[3] != 0;
  summary.weight = numbers[4];
  summary.bad_microbatch = static_cast<int>(numbers[5]);
  summary.bad_state = numbers[6] != 0;
  return summary;
}

}  // namespace pp
