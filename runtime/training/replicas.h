#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/optim/optimizer.h"
#include "runtime/stage/stage.h"
#include "runtime/training/gradient_bucket.h"
#include "runtime/training/gradients.h"

namespace pp {

/// This rank as one of the replicas of its place in the pipeline. All of them
/// hold the same stages; they sum their gradients, divide the optimizer's work,
/// and keep buffers equal. With a single replica, nothing is exchanged.
///
/// All replicas must call the functions that exchange data in the same order.
class Replicas {
 public:
  /// context  the group of this place's replicas; must outlive this object
  /// stages   this rank's stages; must outlive this object
  /// zero     whether each replica updates only its own share of every
  ///          parameter
  Replicas(RankContext& context, std::map<int, Stage>& stages, bool zero);

  /// The parameters that this rank's optimizers update, or this replica's
  /// shares of them.
  const Parameters& parameters() const { return parameters_; }
  /// Whether this is the first replica. It writes the data that is the same on
  /// all replicas.
  bool is_first() const { return context_.rank == 0; }
  /// Whether this replica's gradients enter the gradient norm. If replicas have
  /// shares, all do; otherwise only the first replica does.
  bool counts_norm() const { return has_shares_ || context_.rank == 0; }

  /// Starts to sum a stage's gradients over the replicas.
  void start(int stage);
  /// Completes the sum of a stage's gradients. If start() wasn't called for the
  /// stage, starts it first.
  void finish(int stage);
  void finish_all();

  /// After an update, sends every replica all updated parameters, and replica
  /// 0's values of the buffers that the model writes.
  void after_update();

  /// Combines the state of a stage's optimizer from the shares of all replicas.
  /// Returns it on replica 0. All replicas call it together.
  std::map<std::string, at::Tensor> whole_state(
      int stage, const Optimizer& optimizer);
  /// Converts a lookup of whole state tensors into a lookup of this replica's
  /// shares.
  TensorLookup share_of_state(int stage, TensorLookup find) const;

 private:
  struct StageBuckets {
    std::vector<GradientBucket> buckets;
    bool started = false;
    bool finished = false;
  };
  void exchange_parameters();
  void send_buffers();
  /// Returns the whole parameter called `fqn` of a stage.
  const at::Tensor& whole(int stage, const std::string& fqn) const;

  RankContext& context_;
  std::map<int, Stage>& stages_;
  /// Whether replicas have shares: `zero` is set and there are several.
  bool has_shares_;
  Parameters whole_;
  Parameters parameters_;
  std::map<int, StageBuckets> buckets_;
};

}  // namespace pp
