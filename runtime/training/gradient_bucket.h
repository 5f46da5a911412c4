#pragma once

#include <map>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "runtime/rank/rank_context.h"

namespace pp {

/// The gradients of some parameters of one dtype, added up over replicas with
/// one message per pair of replicas.
///
/// Each replica adds up its share of every parameter (optim/optimizer_share.h),
/// in the order of the replicas, which gives the same bits every time and on
/// every replica. A replica sends 2 (R - 1) / R times the gradients' bytes, the
/// least possible for R replicas.
class GradientBucket {
 public:
  /// replicas    the replicas of this rank's place; must outlive this
  /// parameters  dense, the same on every replica
  GradientBucket(RankContext& replicas, std::vector<at::Tensor> parameters);

  /// Sends the other replicas their shares. The parameters' `.grad` must be
  /// complete and stay unchanged until add_up().
  void start();
  /// Adds up this replica's share, by parameter: undefined where no replica
  /// has a gradient. Waits for the others' start().
  const std::vector<at::Tensor>& add_up();
  /// Sends this replica's sums to the others, after add_up(). Needed only if
  /// every replica needs all sums.
  void send_total();
  /// Writes all sums into the parameters' `.grad`, after send_total().
  void receive_total();

  const std::vector<at::Tensor>& parameters() const { return parameters_; }

 private:
  using Pendings = std::map<int, std::unique_ptr<Pending>>;
  Message message_for(int replica) const;

  RankContext& replicas_;
  std::vector<at::Tensor> parameters_;
  Message own_;  ///< this replica's share, then its sums
  Pendings sends_;
  Pendings receives_;
  std::vector<at::Tensor> shares_;
};

/// Joins shares, one 1-D tensor per parameter, into one tensor.
at::Tensor packed(const std::vector<at::Tensor>& shares);
/// Copies the shares that replica `replica` packed to their places in each
/// tensor.
void unpack(
    const at::Tensor& packed,
    int replica,
    int num_replicas,
    const std::vector<at::Tensor>& tensors);

}  // namespace pp
