#include "runtime/training/replicas.h"

#include <algorithm>

#include <ATen/ops/cat.h>
#include <ATen/ops/empty_like.h>
#include <c10/core/GradMode.h>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/checkpoint/tensor_name.h"
#include "runtime/optim/optimizer_share.h"
#include "runtime/rank/collectives.h"

namespace pp {

namespace {

/// Large enough that a message's fixed cost does not matter, small enough that
/// the next bucket is packed while one is in flight (torch's DDP has the same).
constexpr size_t kBucketBytes = size_t{25} << 20U;

/// Groups parameters, in their order, into buckets of one dtype each.
std::vector<std::vector<at::Tensor>> buckets_of(
    const std::vector<NamedParameter>& parameters) {
  std::vector<std::vector<at::Tensor>> buckets;
  size_t filled = kBucketBytes;
  for (const NamedParameter& parameter : parameters) {
    const at::Tensor& tensor = parameter.tensor;
    if (filled >= kBucketBytes ||
        buckets.back().front().scalar_type() != tensor.scalar_type()) {
      buckets.emplace_back();
      filled = 0;
    }
    buckets.back().push_back(tensor);
    filled += tensor.nbytes();
  }
  return buckets;
}

/// Whether replicas hold shares of this kind of optimizer state. The count of
/// steps is the same on all; other kinds have one entry per parameter entry.
bool is_sharded(const std::string& kind) {
  return kind != "step";
}

}  // namespace

Replicas::Replicas(
    RankContext& context, std::map<int, Stage>& stages, bool zero)
    : context_(context),
      stages_(stages),
      has_shares_(zero && context.size > 1),
      whole_(trainable_parameters(stages)),
      parameters_(whole_) {
  if (context_.size == 1) {
    return;
  }
  for (const auto& [index, parameters] : whole_) {
    StageBuckets& stage = buckets_[index];
    for (std::vector<at::Tensor>& bucket : buckets_of(parameters)) {
      stage.buckets.emplace_back(context_, std::move(bucket));
    }
  }
  for (auto& [index, parameters] : parameters_) {
    for (NamedParameter& parameter : parameters) {
      if (has_shares_) {
        parameter.tensor = share(parameter.tensor, context_.rank, context_.size)
                               .set_requires_grad(true);
      }
    }
  }
}

void Replicas::start(int stage) {
  const auto found = buckets_.find(stage);
  if (found == buckets_.end() || found->second.started) {
    return;
  }
  found->second.started = true;
  for (GradientBucket& bucket : found->second.buckets) {
    bucket.start();
  }
}

void Replicas::finish(int stage) {
  const auto found = buckets_.find(stage);
  if (found == buckets_.end() || found->second.finished) {
    return;
  }
  start(stage);
  found->second.finished = true;
  auto parameter = parameters_.at(stage).begin();
  for (GradientBucket& bucket : found->second.buckets) {
    const std::vector<at::Tensor>& sums = bucket.add_up();
    if (!has_shares_) {
      bucket.send_total();
      continue;
    }
    for (size_t i = 0; i < sums.size(); ++i, ++parameter) {
      parameter->tensor.mutable_grad() = sums[i];
      bucket.parameters()[i].mutable_grad() = at::Tensor();
    }
  }
  for (GradientBucket& bucket : found->second.buckets) {
    if (!has_shares_) {
      bucket.receive_total();
    }
  }
}

void Replicas::finish_all() {
  for (auto& [index, stage] : buckets_) {
    finish(index);
  }
  for (auto& [index, stage] : buckets_) {
    stage.started = false;
    stage.finished = false;
  }
}

void Replicas::after_update() {
  if (context_.size == 1) {
    return;
  }
  if (has_shares_) {
    exchange_parameters();
  }
  send_buffers();
}

void Replicas::exchange_parameters() {
  const c10::AutoGradMode no_grad(false);
  std::vector<std::unique_ptr<Pending>> sends;
  std::vector<std::unique_ptr<Pending>> receives;
  for (const auto& [index, stage] : buckets_) {
    for (const GradientBucket& bucket : stage.buckets) {
      std::vector<at::Tensor> own;
      for (const at::Tensor& parameter : bucket.parameters()) {
        own.push_back(share(parameter, context_.rank, context_.size));
      }
      Message message;
      message.tensors.push_back(packed(own));
      message.requires_grad.push_back(0);
      for (int replica = 0; replica < context_.size; ++replica) {
        if (replica != context_.rank) {
          sends.push_back(context_.transport->send(message, replica));
          receives.push_back(context_.transport->recv(replica));
        }
      }
    }
  }
  auto next = receives.begin();
  for (const auto& [index, stage] : buckets_) {
    for (const GradientBucket& bucket : stage.buckets) {
      for (int replica = 0; replica < context_.size; ++replica) {
        if (replica != context_.rank) {
          const Message message = (*next++)->wait(context_.stall_timeout);
          unpack(
              message.tensors.at(0),
              replica,
              context_.size,
              bucket.parameters());
        }
      }
    }
  }
  for (const auto& send : sends) {
    send->wait(context_.stall_timeout);
  }
}

void Replicas::send_buffers() {
  const c10::AutoGradMode no_grad(false);
  for (auto& [index, stage] : stages_) {
    const std::vector<size_t> written = stage.written_buffers();
    if (written.empty()) {
      continue;
    }
    Message message;
    for (const size_t i : written) {
      message.tensors.push_back(stage.states()[i].tensor.clone());
      message.requires_grad.push_back(0);
    }
    message = broadcast(context_, std::move(message));
    for (size_t k = 0; context_.rank != 0 && k < written.size(); ++k) {
      stage.states()[written[k]].tensor.copy_(message.tensors.at(k));
    }
  }
}

const at::Tensor& Replicas::whole(int stage, const std::string& fqn) const {
  const std::vector<NamedParameter>& all = whole_.at(stage);
  const auto found = std::ranges::find(all, fqn, &NamedParameter::fqn);
  check(found != all.end(), "optimizer state must belong to a parameter");
  return found->tensor;
}

std::map<std::string, at::Tensor> Replicas::whole_state(
    int stage, const Optimizer& optimizer) {
  std::map<std::string, at::Tensor> state = optimizer.state();
  if (!has_shares_) {
    return state;
  }
  const c10::AutoGradMode no_grad(false);
  for (auto& [name, tensor] : state) {
    const auto [kind, fqn] = parse_tensor_name(name);
    if (!is_sharded(kind)) {
      continue;
    }
    Message own;
    own.tensors.push_back(tensor);
    own.requires_grad.push_back(0);
    const std::vector<Message> all = gather(context_, std::move(own));
    if (all.empty()) {
      continue;  // not replica 0
    }
    std::vector<at::Tensor> shares;
    shares.reserve(all.size());
    for (const Message& message : all) {
      shares.push_back(message.tensors.at(0));
    }
    const at::Tensor& parameter = whole(stage, fqn);
    tensor = at::cat(shares).as_strided(parameter.sizes(), parameter.strides());
  }
  return state;
}

TensorLookup Replicas::share_of_state(int stage, TensorLookup find) const {
  if (!has_shares_) {
    return find;
  }
  return [this, stage, find = std::move(find)](const std::string& name) {
    at::Tensor saved = find(name);
    const auto [kind, fqn] = parse_tensor_name(name);
    if (!saved.defined() || !is_sharded(kind)) {
      return saved;
    }
    const at::Tensor& parameter = whole(stage, fqn);
    if (saved.sizes() != parameter.sizes()) {
      throw input_error(
          "'" + name + "' has shape " + shape_text(saved.sizes()) +
          ", but its parameter has " + shape_text(parameter.sizes()));
    }
    return share(
        laid_out_as(saved, parameter.detach()), context_.rank, context_.size);
  };
}

}  // namespace pp
