#include "runtime/run/gradients.h"

#include <algorithm>

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include "loader/core/error.h"
#include "runtime/launch/collectives.h"
#include "runtime/run/rank_stages.h"
#include "runtime/train/grad_norm.h"

namespace pp {

namespace {

at::Tensor& gradient_of(Stage& stage, const std::string& fqn) {
  const auto state = std::ranges::find(stage.states(), fqn, &StageState::fqn);
  check(state != stage.states().end(), "a tied stage holds the parameter");
  return state->tensor.mutable_grad();
}

void add_to(at::Tensor& sum, const at::Tensor& term) {
  if (term.defined()) {
    sum = sum.defined() ? sum.add(term) : term;
  }
}

/// The FQNs whose squares a stage reports, in its own state order: all its
/// parameters but those that a lower stage counts.
std::vector<std::string> counted(const PipelineSource& source, int stage) {
  std::vector<std::string> fqns;
  for (const ir::State& state : source.stages.at(stage).graph.states) {
    if (state.kind != ir::StateKind::Parameter) {
      continue;
    }
    const auto tied =
        std::ranges::find(source.manifest.tied, state.fqn, &TiedParameter::fqn);
    if (tied == source.manifest.tied.end() || tied->stages.front() == stage) {
      fqns.push_back(state.fqn);
    }
  }
  return fqns;
}

}  // namespace

std::vector<NamedParameter> trainable_parameters(const Stage& stage) {
  std::vector<NamedParameter> parameters;
  for (const StageState& state : stage.states()) {
    if (state.tensor.requires_grad()) {
      parameters.push_back({state.fqn, state.tensor});
    }
  }
  return parameters;
}

void sum_tied_gradients(
    RankContext& context,
    const Manifest& manifest,
    const StageMap& stage_to_rank,
    std::map<int, Stage>& stages) {
  const c10::AutoGradMode no_grad(false);
  for (const TiedParameter& tied : manifest.tied) {
    const int root = stage_to_rank.at(tied.stages.front());
    std::vector<std::unique_ptr<Pending>> sends;
    const auto message = [&](int stage, const at::Tensor& gradient) {
      Message out;
      out.stage = stage;
      out.tensors.push_back(gradient);
      out.requires_grad.push_back(0);
      return out;
    };
    for (const int stage : tied.stages) {
      if (root != context.rank && stage_to_rank.at(stage) == context.rank) {
        at::Tensor& gradient = gradient_of(stages.at(stage), tied.fqn);
        sends.push_back(
            context.transport->send(message(stage, gradient), root));
      }
    }
    if (root == context.rank) {
      at::Tensor sum;
      for (const int stage : tied.stages) {
        const int owner = stage_to_rank.at(stage);
        add_to(
            sum,
            owner == root ? gradient_of(stages.at(stage), tied.fqn)
                          : context.transport->recv(owner)
                                ->wait(context.stall_timeout)
                                .tensors.at(0));
      }
      for (const int stage : tied.stages) {
        const int owner = stage_to_rank.at(stage);
        if (owner == root) {
          // Holders may scale their gradient in place: each has its own.
          gradient_of(stages.at(stage), tied.fqn) =
              sum.defined() ? sum.clone() : sum;
        } else {
          sends.push_back(context.transport->send(
              message(stage, sum.defined() ? sum.clone() : sum), owner));
        }
      }
    } else {
      for (const int stage : tied.stages) {
        if (stage_to_rank.at(stage) == context.rank) {
          gradient_of(stages.at(stage), tied.fqn) =
              context.transport->recv(root)
                  ->wait(context.stall_timeout)
                  .tensors.at(0);
        }
      }
    }
    for (const auto& send : sends) {
      send->wait(context.stall_timeout);
    }
  }
}

StepSummary summarise(
    RankContext& context,
    const PipelineSource& source,
    const StageMap& stage_to_rank,
    std::map<int, Stage>& stages,
    const RankSummary& mine) {
  std::vector<double> numbers = {mine.loss, mine.busy_s, mine.wall_s};
  for (auto& [index, stage] : stages) {
    for (const std::string& fqn : counted(source, index)) {
      numbers.push_back(sum_of_squares(gradient_of(stage, fqn)));
    }
  }
  Message out;
  out.tensors.push_back(
      at::empty({static_cast<int64_t>(numbers.size())}, at::kDouble));
  out.requires_grad.push_back(0);
  std::ranges::copy(numbers, out.tensors[0].data_ptr<double>());
  const std::vector<Message> all = gather(context, std::move(out));

  StepSummary summary;
  Message norm;
  norm.tensors.push_back(at::empty({1}, at::kDouble));
  norm.requires_grad.push_back(0);
  if (context.rank == 0) {
    std::vector<std::pair<std::string, double>> squares;
    for (int rank = 0; rank < context.size; ++rank) {
      const double* numbers_of = all[rank].tensors[0].data_ptr<double>();
      summary.loss += *numbers_of++;
      summary.busy_s += *numbers_of++;
      summary.wall_s += *numbers_of++;
      for (const int stage : stages_of(stage_to_rank, rank)) {
        for (const std::string& fqn : counted(source, stage)) {
          squares.emplace_back(fqn, *numbers_of++);
        }
      }
    }
    std::ranges::sort(squares);
    std::vector<double> ordered;
    for (const auto& [fqn, square] : squares) {
      ordered.push_back(square);
    }
    norm.tensors[0].data_ptr<double>()[0] = total_norm(ordered);
  }
  norm = broadcast(context, std::move(norm));
  summary.grad_norm = norm.tensors[0].data_ptr<double>()[0];
  return summary;
}

}  // namespace pp
