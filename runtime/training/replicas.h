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

/// The replicas of one place in the pipeline. They add up gradients, divide the
/// optimizer's work, and keep buffers equal. With a single replica, nothing
/// happens.
///
/// All replicas must call the functions that send, in the same order.
class Replicas {
 public:
  /// context  the group of this place's replicas; must outlive this
  /// stages   must outlive this
  /// zero     whether each replica updates only its share of every parameter
  Replicas(RankContext& context, std::map<int, Stage>& stages, bool zero);

  /// The parameters, or shares of them, that this rank's optimizers update.
  const Parameters& parameters() const { return parameters_; }
  /// Whether this replica writes what all replicas have.
  bool is_first() const { return context_.rank == 0; }
  /// Whether this replica's gradients enter the gradient norm: with shares
  /// those of every replica do, otherwise only the first one's.
  bool counts_norm() const { return has_shares_ || context_.rank == 0; }

  /// Starts to add up a stage's gradients over replicas.
  void start(int stage);
  /// Completes what start() began, and starts it first if start() wasn't
  /// called.
  void finish(int stage);
  void finish_all();

  /// Gives every replica all updated parameters, and replica 0's values of the
  /// buffers that the model writes.
  void after_update();

  /// Returns, on replica 0, the state of a stage's optimizer, combined from the
  /// shares of all replicas. All replicas call it together.
  std::map<std::string, at::Tensor> whole_state(
      int stage, const Optimizer& optimizer);
  /// Turns a lookup of whole state into a lookup of this replica's shares.
  TensorLookup share_of_state(int stage, TensorLookup find) const;

 private:
  struct StageBuckets {
    std::vector<GradientBucket> buckets;
    bool started = false;
    bool finished = false;
  };
  void exchange_parameters();
  void send_buffers();
  /// The whole parameter of that name, in the stage.
  const at::Tensor& whole(int stage, const std::string& fqn) const;

  RankContext& context_;
  std::map<int, Stage>& stages_;
  bool has_shares_;  ///< zero, and several replicas
  Parameters whole_;
  Parameters parameters_;
  std::map<int, StageBuckets> buckets_;
};

}  // namespace pp
