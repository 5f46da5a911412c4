#pragma once

#include <filesystem>
#include <vector>

#include "loader/model.h"

namespace pp {

/// A weight that a stage's file holds and its graph does not read.
struct UnreadWeight {
  ir::State state;
  ir::Value value;
  StateRecord record;
};

/// Stages that were exported one by one as one model, for a writer of their
/// format.
struct JoinedStages {
  ir::Graph graph;
  /// Where the writer finds states and what it keeps of the first stage's file.
  Model source;
  /// The graph's outputs are the last stage's: no earlier stage returns any.
  bool whole_output = true;
  std::vector<UnreadWeight> unread;
};

/// Joins the stages: what one gives the next is one value, inputs of one name
/// are one input. Where the stages' FQNs clash, all of a stage's modules and
/// states stand below "stage_K".
///
/// throws Error(Usage): stages of both formats; Error(Input): what assemble()
///        throws, and sizes that do not fit, see JointSymbols::pin
JoinedStages join_stages(std::vector<Model> stages);

/// Makes the unread weights states of the graph, so that they are written too.
void add_unread_weights(JoinedStages& joined);

/// Writes the model as a file of its format.
void write_joined(
    const std::filesystem::path& path, const JoinedStages& joined);

}  // namespace pp
