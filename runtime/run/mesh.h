#pragma once

#include <memory>
#include <vector>

#include "runtime/launch/rank_context.h"

namespace pp {

/// How a job's ranks are laid out: pipeline x replicas.
struct Mesh {
  int pipeline = 1;  ///< ranks of one pipeline
  int replicas = 1;
  bool replica_first = false;  ///< neighbouring ranks are replicas
  bool operator==(const Mesh&) const = default;

  int size() const { return pipeline * replicas; }
  /// A rank's place in its pipeline.
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

/// One rank as a part of the whole job, of its pipeline, and of the replicas
/// of its place in it.
class MeshRank {
 public:
  /// world  as the launcher gave it; must outlive this
  MeshRank(const Mesh& mesh, RankContext& world);

  MeshRank(const MeshRank&) = delete;
  MeshRank& operator=(const MeshRank&) = delete;

 private:
  std::vector<std::unique_ptr<Transport>> groups_;

 public:
  RankContext& world;
  RankContext pipeline;  ///< `rank` is the place
  RankContext replicas;  ///< `rank` is the replica
};

}  // namespace pp
