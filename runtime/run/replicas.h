#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/run/gradient_bucket.h"
#include "runtime/run/gradients.h"
#include "runtime/stage/stage.h"
#include "runtime/train/optimizer.h"

namespace pp {

/// What the replicas of one place of the pipeline do together: they add up
/// gradients, share out the optimizer's work, and keep buffers equal. Of a
/// single replica: nothing.
///
/// Every function that sends is called by all replicas in the same order.
class Replicas {
 public:
  /// context  of the replicas of this place; must outlive this, as `stages`
  /// zero     each replica updates its share of every parameter only
  Replicas(RankContext& context, std::map<int, Stage>& stages, bool zero);

  /// What this rank's optimizers update, by stage.
  const Parameters& parameters() const { return parameters_; }
  /// Whether this is the replica that writes what all have.
  bool is_first() const { return context_.rank == 0; }
  /// Whether squared gradients here are a part of the model's that no other
  /// replica counts.
  bool counts_norm() const { return shares_ || context_.rank == 0; }

  /// Starts to add up the stage's gradients over replicas,
  void start(int stage);
  /// and waits for it. Where nobody started it, does that too.
  void finish(int stage);
  void finish_all();

  /// Every replica gets all parameters as they were updated, and the buffers of
  /// replica 0 where the model writes them.
  void after_update();

  /// An optimizer's state as it is without shares; of use on replica 0.
  std::map<std::string, at::Tensor> whole_state(
      int stage, const Optimizer& optimizer);
  /// A lookup of whole state as one of this replica's share.
  TensorLookup share_of_state(int stage, TensorLookup find) const;

 private:
  struct StageBuckets {
    std::vector<GradientBucket> buckets;
    bool started = false;
    bool finished = false;
  };
  void exchange_parameters();
  void send_buffers();
  /// The stage's own parameter of that name.
  const at::Tensor& whole(int stage, const std::string& fqn) const;

  RankContext& context_;
  std::map<int, Stage>& stages_;
  bool shares_;  ///< zero, and several replicas
  Parameters whole_;
  Parameters parameters_;
  std::map<int, StageBuckets> buckets_;
};

}  // namespace pp
