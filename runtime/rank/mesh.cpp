#include "runtime/rank/mesh.h"

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "runtime/transport/group.h"

namespace pp {

namespace {

RankContext context_of(
    const RankContext& world,
    std::vector<int> members,
    std::vector<std::unique_ptr<Transport>>& groups) {
  RankContext context = world;
  context.world_ranks = members;
  groups.push_back(make_group(*world.transport, std::move(members)));
  context.transport = groups.back().get();
  context.rank = context.transport->rank();
  context.size = context.transport->size();
  return context;
}

std::vector<int> pipeline_of(const Mesh& mesh, int rank) {
  std::vector<int> members;
  for (int place = 0; place < mesh.pipeline; ++place) {
    members.push_back(mesh.rank_of(place, mesh.replica_of(rank)));
  }
  return members;
}

std::vector<int> replicas_of(const Mesh& mesh, int rank) {
  std::vector<int> members;
  for (int replica = 0; replica < mesh.replicas; ++replica) {
    members.push_back(mesh.rank_of(mesh.place_of(rank), replica));
  }
  return members;
}

}  // namespace

MeshRank::MeshRank(const Mesh& mesh, RankContext& whole)
    : world(whole),
      pipeline(context_of(whole, pipeline_of(mesh, whole.rank), groups_)),
      replicas(context_of(whole, replicas_of(mesh, whole.rank), groups_)) {}

}  // namespace pp
