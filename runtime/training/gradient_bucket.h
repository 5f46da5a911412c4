#pragma once

#include <map>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "runtime/rank/rank_context.h"

namespace pp {

/// Sums the gradients of some parameters of one dtype over all replicas, with
/// one message per pair of replicas.
///
/// Each replica sums its share of every parameter (optim/optimizer_share.h) in
/// the order of the replicas, so the sums have the same bits in every run and
/// on every replica. A replica sends 2 (R - 1) / R times the gradients' bytes,
/// the minimum for R replicas.
class GradientBucket {
 public:
  /// replicas    the group of ranks that hold the same stages; must outlive
  ///             this object
  /// parameters  dense tensors, the same on every replica
  GradientBucket(RankContext& replicas, std::vector<at::Tensor> parameters);

  /// Sends the other replicas their shares of this replica's gradients. The
  /// parameters' `.grad` must be complete and stay unchanged until add_up().
  void start();
  /// Sums this replica's share over all replicas. Returns one sum per
  /// parameter, undefined if no replica has a gradient for the parameter. Waits
  /// until all replicas have called start().
  const std::vector<at::Tensor>& add_up();
  /// Sends this replica's sums to the other replicas. Call it after add_up(),
  /// and only if every replica needs the sums of all shares.
  void send_total();
  /// Receives the sums of all shares and writes them into the parameters'
  /// `.grad`; call it after send_total().
  void receive_total();

  const std::vector<at::Tensor>& parameters() const { return parameters_; }

 private:
  using Pendings = std::map<int, std::unique_ptr<Pending>>;
  Message message_for(int replica) const;

  RankContext& replicas_;
  std::vector<at::Tensor> parameters_;
  Message own_;  ///< this replica's share; after add_up(), its sums
  Pendings sends_;
  Pendings receives_;
  std::vector<at::Tensor> shares_;
};

/// Joins the shares of several parameters, each a 1-D tensor, into one tensor.
at::Tensor packed(const std::vector<at::Tensor>& shares);
/// Copies the shares of replica `replica` from `packed` to their places in
/// `tensors`.
void unpack(
    const at::Tensor& packed,
    int replica,
    int num_replicas,
    const std::vector<at::Tensor>& tensors);

}  // namespace pp
