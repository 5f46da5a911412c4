#include "runtime/run/gradient_bucket.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include "runtime/train/share.h"

namespace pp {

at::Tensor packed(const std::vector<at::Tensor>& shares) {
  return at::cat(shares);
}

void unpack(
    const at::Tensor& packed,
    int replica,
    int num_replicas,
    const std::vector<at::Tensor>& tensors) {
  int64_t begin = 0;
  for (const at::Tensor& tensor : tensors) {
    const at::Tensor to = share(tensor, replica, num_replicas);
    to.copy_(packed.narrow(0, begin, to.numel()));
    begin += to.numel();
  }
}

GradientBucket::GradientBucket(
    RankContext& replicas, std::vector<at::Tensor> parameters)
    : replicas_(replicas), parameters_(std::move(parameters)) {}

/// One replica's shares of all gradients, zero where there is none; `ints`
/// says which there are.
Message GradientBucket::message_for(int replica) const {
  Message message;
  std::vector<at::Tensor> shares;
  for (const at::Tensor& parameter : parameters_) {
    const at::Tensor gradient = laid_out_as(parameter.grad(), parameter);
    message.ints.push_back(gradient.defined() ? 1 : 0);
    if (gradient.defined()) {
      shares.push_back(share(gradient, replica, replicas_.size));
    } else {
      const Share part = share_of(parameter.numel(), replica, replicas_.size);
      shares.push_back(
          at::zeros(part.size, parameter.options().requires_grad(false)));
    }
  }
  message.tensors.push_back(packed(shares));
  message.requires_grad.push_back(0);
  return message;
}

void GradientBucket::start() {
  const c10::AutoGradMode no_grad(false);
  for (int replica = 0; replica < replicas_.size; ++replica) {
    Message message = message_for(replica);
    if (replica == replicas_.rank) {
      mine_ = std::move(message);
      continue;
    }
    sends_[replica] = replicas_.transport->send(std::move(message), replica);
    receives_[replica] = replicas_.transport->recv(replica);
  }
}

const std::vector<at::Tensor>& GradientBucket::add_up() {
  const c10::AutoGradMode no_grad(false);
  at::Tensor sum;
  std::vector<int64_t> is_there(parameters_.size(), 0);
  for (int replica = 0; replica < replicas_.size; ++replica) {
    const Message message =
        replica == replicas_.rank
            ? std::move(mine_)
            : receives_.at(replica)->wait(replicas_.stall_timeout);
    // The first sum is a new tensor: what a message holds is not ours to write.
    sum = replica == 0   ? message.tensors.at(0)
          : replica == 1 ? sum.add(message.tensors.at(0))
                         : sum.add_(message.tensors.at(0));
    for (size_t i = 0; i < is_there.size(); ++i) {
      is_there[i] |= message.ints.at(i);
    }
  }
  receives_.clear();
  for (auto& [replica, pending] : sends_) {
    pending->wait(replicas_.stall_timeout);
  }
  sends_.clear();
  shares_.clear();
  int64_t begin = 0;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const int64_t size =
        share_of(parameters_[i].numel(), replicas_.rank, replicas_.size).size;
    shares_.push_back(
        is_there[i] != 0 ? sum.narrow(0, begin, size) : at::Tensor());
    begin += size;
  }
  mine_ = {};
  mine_.tensors.push_back(std::move(sum));
  mine_.requires_grad.push_back(0);
  return shares_;
}

void GradientBucket::send_total() {
  for (int replica = 0; replica < replicas_.size; ++replica) {
    if (replica != replicas_.rank) {
      sends_[replica] = replicas_.transport->send(mine_, replica);
      receives_[replica] = replicas_.transport->recv(replica);
    }
  }
}

void GradientBucket::receive_total() {
  const c10::AutoGradMode no_grad(false);
  std::vector<at::Tensor> totals;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    at::Tensor& gradient = parameters_[i].mutable_grad();
    // In its place, if it has one: what was sent of it is a copy.
    const bool has_place =
        gradient.defined() && gradient.strides() == parameters_[i].strides();
    totals.push_back(
        has_place ? gradient
                  : at::empty_like(
                        parameters_[i],
                        parameters_[i].options().requires_grad(false)));
    gradient = shares_[i].defined() ? totals.back() : at::Tensor();
  }
  unpack(mine_.tensors.at(0), replicas_.rank, replicas_.size, totals);
  for (auto& [replica, pending] : receives_) {
    const Message message = pending->wait(replicas_.stall_timeout);
    unpack(message.tensors.at(0), replica, replicas_.size, totals);
  }
  for (auto& [replica, pending] : sends_) {
    pending->wait(replicas_.stall_timeout);
  }
  sends_.clear();
  receives_.clear();
  shares_.clear();
  mine_ = {};
}

}  // namespace pp
