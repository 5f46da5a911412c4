#pragma once

#include <vector>

#include "loader/ir/graph.h"
#include "loader/model.h"
#include "splitter/cut.h"
#include "splitter/manifest.h"
#include "splitter/split_spec.h"

namespace pp {

/// A model cut into stages, in memory. Each stage is a graph of its own whose
/// values, nodes and states keep the source's names. Its inputs: what the
/// stage before sends, by position, then user inputs by keyword.
struct Partition {
  std::vector<ir::Graph> stages;
  Manifest manifest;  ///< file names and hashes are filled in by write_stages
};

/// Decides the cuts and builds the stages: boundary values, relays,
/// rematerialised values, sizes recomputed from tensors at hand, tied
/// parameters. One stage is allowed (empty spec).
/// throws Error(Usage), see `resolve`
Partition partition(const Model& model, const SplitSpec& spec);
/// The same at the given cuts; of the spec only how stages are built counts.
Partition partition(
    const Model& model, const SplitSpec& spec, const std::vector<Cut>& cuts);

/// The cuts that a spec means in this graph: the split points it names, the
/// balancer's, or those of the markers (torch's `pipe_split()`).
/// throws Error(Usage)
std::vector<Cut> choose_cuts(const ir::Graph& graph, const SplitSpec& spec);

struct PartitionOptions {
  bool rematerialise = true;
  bool transmit = false;  ///< see SplitSpec
};

/// The same, at given cuts, which must be legal; the manifest's format and
/// source stay as they are by default.
Partition partition_graph(
    const ir::Graph& graph,
    const std::vector<Cut>& cuts,
    const PartitionOptions& options = {});

}  // namespace pp
