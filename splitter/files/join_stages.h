#pragma once

#include <filesystem>
#include <vector>

#include "loader/model/formats.h"
#include "loader/model/model.h"

namespace pp {

/// A weight in a stage's file that the stage's graph does not read.
struct UnreadWeight {
  ir::State state;
  ir::Value value;
  StateRecord record;
};

/// Stages that were exported one by one, joined into one model that a writer of
/// their format can write.
struct JoinedStages {
  ir::Graph graph;
  /// The model that the writer treats as the source: it has the records of all
  /// states and the details of the first stage's file.
  Model source;
  /// True if all outputs of the model are the last stage's own.
  bool whole_output = true;
  std::vector<UnreadWeight> unread;
  /// Conditions on sizes of the stages that the joined file can't state.
  std::vector<std::string> lost_guards;
};

/// Joins the stages. A value that one stage passes to the next becomes one
/// value; inputs with the same name become one input. If two stages use the
/// same FQN, the modules and states of each stage go below "stage_K".
///
/// throws Error(Usage): the stages have different formats; Error(Input): see
///        assemble() and JointSymbols::pin()
JoinedStages join_stages(std::vector<Model> stages);

/// Adds the unread weights to the graph's states, so that they are written too.
void add_unread_weights(JoinedStages& joined);

/// Writes the model to a file in the stages' format.
void write_joined(
    const std::filesystem::path& path,
    const JoinedStages& joined,
    const ModelFormats& formats);

}  // namespace pp
