#pragma once

#include <vector>

#include "loader/ir/graph.h"
#include "loader/model/model.h"
#include "splitter/cut/cut.h"
#include "splitter/cut/split_spec.h"
#include "splitter/manifest/manifest.h"

namespace pp {

/// A model cut into stages, in memory. Each stage is a graph of its own whose
/// values, nodes and states keep the source's names. A stage's inputs are first
/// the values that the previous stage sends, by position, then user inputs, by
/// keyword.
struct Partition {
  std::vector<ir::Graph> stages;
  Manifest manifest;  ///< write_stages() fills in file names and hashes
};

/// Chooses the cuts and builds the stages.
/// throws  Error(Usage): see choose_cuts()
///         Error(Input): see refuse_input_writes()
Partition partition(const Model& model, const SplitSpec& spec);

/// Builds the stages at `cuts`, with all that crosses them: boundary values,
/// relays, recomputed values, sizes read from shapes of tensors, tied
/// parameters.
/// flow  the flows of the model's graph
/// spec  how stages are built; the cuts that it asks for are ignored
Partition partition(
    const Model& model,
    const SplitFlow& flow,
    const SplitSpec& spec,
    const std::vector<Cut>& cuts);

/// Finds the cuts that `spec` asks for: at its split points, at markers
/// (torch's `pipe_split()`), or chosen by the balancer.
/// throws  Error(Usage), see resolve(), marked_cuts() and balance_cuts()
std::vector<Cut> choose_cuts(const SplitFlow& flow, const SplitSpec& spec);

/// Builds the stages of a graph at legal cuts. The manifest's format and source
/// keep their defaults.
/// flow      SplitFlow::for_stages()
/// transmit  whether tied parameters are sent between stages, see
///           TiedParameters
/// throws    Error(Input): a node writes to a state that shares memory with
///           another state
Partition partition_graph(
    const Flow& flow, const std::vector<Cut>& cuts, bool transmit = false);

}  // namespace pp
