#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "loader/ir/graph.h"

namespace pp::test {

/// Runs graphs on hashes instead of numbers. A tensor is a view of a storage,
/// and a storage's content is a hash of everything that went into it. In-place
/// writes, views and copies interact as in torch, so two graphs that give the
/// same hashes compute the same results.
class Symbolic {
 public:
  struct Tensor {
    int storage = -1;
    uint64_t path = 0;  ///< identifies the view; 0: the whole storage
  };
  using Values = std::vector<Tensor>;
  /// State tensors by FQN; written by the graphs that run on them.
  using States = std::map<std::string, Tensor>;

  Tensor make(const std::string& content);
  uint64_t content(const Tensor& tensor) const;
  /// Adds the states of a graph. Their content is the hash of their FQN.
  void add_states(const ir::Graph& graph, States& states);

  /// Runs a graph. Inputs and outputs have the graph's order.
  Values run(const ir::Graph& graph, const Values& inputs, States& states);

 private:
  void run_node(const ir::Graph& graph, const ir::Node& node, Values& values);
  uint64_t hash_arg(const ir::Arg& arg, const Values& values) const;

  std::vector<uint64_t> storages_;
};

/// Compares a pipeline of stages with the unsplit graph, on two microbatches.
/// Each stage runs both microbatches before the next stage starts, and passes
/// tensors on without copying them. No stage may write to a tensor that it
/// sends or reads from the data, because others hold it too. returns  the
/// outputs and states that differ; empty if all are the same
std::string compare_with_unsplit(
    const ir::Graph& graph, const std::vector<ir::Graph>& stages);

}  // namespace pp::test
