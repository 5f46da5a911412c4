#pragma once

#include <memory>
#include <vector>

#include "runtime/rank/rank_context.h"

namespace pp {

/// The layout of a job's ranks: `replicas` pipelines of `pipeline` ranks each.
struct Mesh {
  int pipeline = 1;  ///< ranks of one pipeline
  int replicas = 1;
  /// Whether consecutive ranks are replicas of the same place in the pipeline.
  bool replica_first = false;
  bool operator==(const Mesh&) const = default;

  int size() const { return pipeline * replicas; }
  /// Returns the place of a rank in its pipeline, counted from 0.
  int place_of(int rank) const {
    return replica_first ? rank / replicas : rank % pipeline;
  }
  int replica_of(int rank) const {
    return replica_first ? rank % replicas : rank / pipeline;
  }
  int rank_of(int place, int replica) const {
    return replica_first ? place * replicas + replica
                         : replica * pipeline + place;
  }
};

/// One rank as a member of three groups: the whole job, its pipeline, and the
/// replicas of its place in the pipeline.
class MeshRank {
 public:
  /// world  the launcher's context; must outlive this object
  MeshRank(const Mesh& mesh, RankContext& world);

  MeshRank(const MeshRank&) = delete;
  MeshRank& operator=(const MeshRank&) = delete;

 private:
  std::vector<std::unique_ptr<Transport>> groups_;

 public:
  RankContext& world;
  RankContext pipeline;  ///< its `rank` is the place in the pipeline
  RankContext replicas;  ///< its `rank` is the replica's number
};

}  // namespace pp
