#pragma once

#include <map>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "runtime/launch/rank_context.h"

namespace pp {

/// The gradients of some parameters of one dtype, added up over replicas as
/// one message a pair of replicas.
///
/// Each replica adds up its share of every parameter (train/share.h), in the
/// order of the replicas: the same bits every time, and on every replica. What
/// crosses is 2 (R - 1) / R of the gradients, which is the least possible.
class GradientBucket {
 public:
  /// replicas    of this rank's place; must outlive this
  /// parameters  dense, the same on every replica
  GradientBucket(RankContext& replicas, std::vector<at::Tensor> parameters);

  /// Sends what the others are to add up. The parameters' `.grad` are complete
  /// and not written until add_up().
  void start();
  /// Adds up this replica's share, by parameter: undefined where no replica
  /// has a gradient. Waits for the others' start().
  const std::vector<at::Tensor>& add_up();
  /// Then, where every replica is to have all: sends its share and
  void send_total();
  /// writes the sums into the parameters' `.grad`.
  void receive_total();

  const std::vector<at::Tensor>& parameters() const { return parameters_; }

 private:
  using Pendings = std::map<int, std::unique_ptr<Pending>>;
  Message message_for(int replica) const;

  RankContext& replicas_;
  std::vector<at::Tensor> parameters_;
  Message mine_;
  Pendings sends_;
  Pendings receives_;
  std::vector<at::Tensor> shares_;
};

/// A tensor's shares laid side by side, from one 1-D tensor a parameter.
at::Tensor packed(const std::vector<at::Tensor>& shares);
/// Copies what packed() gave at `replica` into that share of each tensor.
void unpack(
    const at::Tensor& packed,
    int replica,
    int num_replicas,
    const std::vector<at::Tensor>& tensors);

}  // namespace pp
