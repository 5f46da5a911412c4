#include "runtime/run/gradients.h"

#include <algorithm>
#include <iterator>

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include "loader/core/error.h"
#include "runtime/launch/collectives.h"
#include "runtime/run/rank_stages.h"
#include "runtime/stage/add_to.h"
#include "runtime/train/grad_norm.h"

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
    at->copy_(gradient);  // graphs of the device know it by its place
  } else {
    *at = std::move(gradient);
  }
}

/// The FQNs whose squares a stage reports: all its parameters but those that a
/// lower stage counts.
std::vector<std::string> counted(const Manifest& manifest, int stage) {
  std::vector<std::string> fqns = manifest.stages.at(stage).parameters;
  std::erase_if(fqns, [&](const std::string& fqn) {
    const auto tied =
        std::ranges::find(manifest.tied, fqn, &TiedParameter::fqn);
    return tied != manifest.tied.end() && tied->stages.front() != stage;
  });
  return fqns;
}

}  // namespace

Parameters trainable_parameters(const std::map<int, Stage>& stages) {
  Parameters parameters;
  for (const auto& [index, stage] : stages) {
    std::vector<NamedParameter>& of_stage = parameters[index];
    for (const StageState& state : stage.states()) {
      if (state.tensor.requires_grad()) {
        of_stage.push_back({state.fqn, state.tensor});
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
        sends.push_back(context.transport->send(
            message(stage, gradient_of(parameters.at(stage), tied.fqn)), root));
      }
    }
    if (root == context.rank) {
      at::Tensor sum;
      for (const int stage : tied.stages) {
        const int owner = stage_to_rank.at(stage);
        add_to(
            sum,
            owner == root ? gradient_of(parameters.at(stage), tied.fqn)
                          : context.transport->recv(owner)
                                ->wait(context.stall_timeout)
                                .tensors.at(0));
      }
      for (const int stage : tied.stages) {
        const int owner = stage_to_rank.at(stage);
        if (owner == root) {
          // Holders may scale their gradient in place: each has its own.
          set_gradient(
              parameters.at(stage),
              tied.fqn,
              sum.defined() ? sum.clone() : sum);
        } else {
          sends.push_back(context.transport->send(
              message(stage, sum.defined() ? sum.clone() : sum), owner));
        }
      }
    } else {
      for (const int stage : tied.stages) {
        if (stage_to_rank.at(stage) == context.rank) {
          set_gradient(
              parameters.at(stage),
              tied.fqn,
              context.transport->recv(root)
                  ->wait(context.stall_timeout)
                  .tensors.at(0));
        }
      }
    }
    for (const auto& send : sends) {
      send->wait(context.stall_timeout);
    }
  }
}

StepSummary summarise(
    RankContext& world,
    const Plan& plan,
    const Parameters& parameters,
    const RankSummary& mine) {
  std::vector<double> numbers = {
      mine.loss,
      mine.busy_s,
      mine.wall_s,
      mine.tokens,
      mine.counts_norm ? 1.0 : 0.0};
  std::vector<at::Tensor> gradients;
  for (const auto& [index, of_stage] : parameters) {
    for (const std::string& fqn : counted(plan.source.manifest, index)) {
      gradients.push_back(
          mine.counts_norm ? gradient_of(of_stage, fqn) : at::Tensor());
    }
  }
  std::ranges::copy(sums_of_squares(gradients), std::back_inserter(numbers));
  Message out;
  out.tensors.push_back(
      at::empty({static_cast<int64_t>(numbers.size())}, at::kDouble));
  out.requires_grad.push_back(0);
  std::ranges::copy(numbers, out.tensors[0].data_ptr<double>());
  const std::vector<Message> all = gather(world, std::move(out));

  StepSummary summary;
  Message norm;
  norm.tensors.push_back(at::empty({2}, at::kDouble));
  norm.requires_grad.push_back(0);
  if (world.rank == 0) {
    std::vector<std::pair<std::string, double>> squares;
    for (int rank = 0; rank < world.size; ++rank) {
      const double* numbers_of = all[rank].tensors[0].data_ptr<double>();
      summary.loss += *numbers_of++;
      summary.busy_s += *numbers_of++;
      summary.wall_s += *numbers_of++;
      summary.tokens += *numbers_of++;
      const bool counts = *numbers_of++ != 0;
      const int place = plan.mesh.place_of(rank);
      for (const int stage :
           stages_of(plan.train_schedule.stage_to_rank, place)) {
        for (const std::string& fqn : counted(plan.source.manifest, stage)) {
          const double square = *numbers_of++;
          if (counts) {
            squares.emplace_back(fqn, square);
          }
        }
      }
    }
    // A parameter's shares, if several replicas count, in any order: sorted.
    std::ranges::sort(squares);
    std::vector<double> ordered;
    for (const auto& [fqn, square] : squares) {
      ordered.push_back(square);
    }
    norm.tensors[0].data_ptr<double>()[0] = total_norm(ordered);
    norm.tensors[0].data_ptr<double>()[1] = summary.loss;
  }
  norm = broadcast(world, std::move(norm));
  summary.grad_norm = norm.tensors[0].data_ptr<double>()[0];
  summary.loss = norm.tensors[0].data_ptr<double>()[1];
  return summary;
}

}  // namespace pp
