#include "runtime/training/gradient_bucket.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include "runtime/optim/optimizer_share.h"

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

/// A message with one replica's shares of all gradients, zeros where there is
/// no gradient; `ints` says where there is one.
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
      own_ = std::move(message);
      continue;
    }
    sends_[replica] = replicas_.transport->send(std::move(message), replica);
    receives_[replica] = replicas_.transport->recv(replica);
  }
}

const std::vector<at::Tensor>& GradientBucket::add_up() {
  const c10::AutoGradMode no_grad(false);
  at::Tensor sum;
  std::vector<int64_t> has_gradient(parameters_.size(), 0);
  for (int replica = 0; replica < replicas_.size; ++replica) {
    const Message message =
        replica == replicas_.rank
            ? std::move(own_)
            : receives_.at(replica)->wait(replicas_.stall_timeout);
    // The first sum is a new tensor, since a message's tensors are read-only.
    sum = replica == 0   ? message.tensors.at(0)
          : replica == 1 ? sum.add(message.tensors.at(0))
                         : sum.add_(message.tensors.at(0));
    for (size_t i = 0; i < has_gradient.size(); ++i) {
      has_gradient[i] |= message.ints.at(i);
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
        has_gradient[i] != 0 ? sum.narrow(0, begin, size) : at::Tensor());
    begin += size;
  }
  own_ = {};
  own_.tensors.push_back(std::move(sum));
  own_.requires_grad.push_back(0);
  return shares_;
}

void GradientBucket::send_total() {
  for (int replica = 0; replica < replicas_.size; ++replica) {
    if (replica != replicas_.rank) {
      sends_[replica] = replicas_.transport->send(own_, replica);
      receives_[replica] = replicas_.transport->recv(replica);
    }
  }
}

void GradientBucket::receive_total() {
  const c10::AutoGradMode no_grad(false);
  std::vector<at::Tensor> totals;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    at::Tensor& gradient = parameters_[i].mutable_grad();
    // Write in place where there is a gradient: what was sent is a copy of it.
    const bool in_place =
        gradient.defined() && gradient.strides() == parameters_[i].strides();
    totals.push_back(
        in_place ? gradient
                 : at::empty_like(
                       parameters_[i],
                       parameters_[i].options().requires_grad(false)));
    gradient = shares_[i].defined() ? totals.back() : at::Tensor();
  }
  unpack(own_.tensors.at(0), replicas_.rank, replicas_.size, totals);
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
  own_ = {};
}

}  // namespace pp
