#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "loader/ir/graph.h"

namespace pp::test {

/// Runs graphs on hashes instead of numbers: a tensor is a view of a storage,
/// a storage's content a hash of all that went into it. What in-place writes,
/// views and copies do to each other is as in torch, so two graphs that give
/// the same hashes compute the same.
class Symbolic {
 public:
  struct Tensor {
    int storage = -1;
    uint64_t path = 0;  ///< of the view; 0: the whole storage
  };
  using Values = std::vector<Tensor>;
  /// State tensors by FQN; written by the graphs that run on them.
  using States = std::map<std::string, Tensor>;

  Tensor make(const std::string& content);
  uint64_t content(const Tensor& tensor) const;
  /// Fresh states of a graph: their content is their FQN.
  void add_states(const ir::Graph& graph, States& states);

  /// inputs   in the order of the graph's
  /// returns  outputs, in the order of the graph's
  Values run(const ir::Graph& graph, const Values& inputs, States& states);

 private:
  void run_node(const ir::Graph& graph, const ir::Node& node, Values& values);
  uint64_t hash_arg(const ir::Arg& arg, const Values& values) const;

  std::vector<uint64_t> storages_;
};

/// Runs `stages` as a pipeline would with two microbatches, each stage both of
/// them before the next stage starts, and hands tensors over without copying;
/// and the unsplit graph, one microbatch after the other. What is sent and what
/// is read from the data must not be written to: others hold it.
/// returns  an empty text if outputs and states are the same, else which differ
std::string compare_with_unsplit(
    const ir::Graph& graph, const std::vector<ir::Graph>& stages);

}  // namespace pp::test
