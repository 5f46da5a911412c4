#pragma once

#include <filesystem>
#include <vector>

#include "loader/model/formats.h"
#include "loader/model/model.h"
#include "splitter/files/artifact.h"
#include "splitter/manifest/manifest.h"

namespace pp {

/// A weight in a stage's file that the stage's graph does not read.
struct UnreadWeight {
  ir::State state;
  ir::Value value;
  StateRecord record;
};

/// Stages that were exported one by one, joined into one model that the writer
/// of their format can write.
struct JoinedStages {
  ir::Graph graph;
  /// The model that the writer treats as the source. It has the records of all
  /// states, and the FormatDetails that the writer needs.
  Model source;
  /// True if the last stage makes all outputs of the model.
  bool whole_output = true;
  /// Weights in the stages' files that no graph reads.
  std::vector<UnreadWeight> unread;
  /// Guards that the stages check but the joined file can't state: a file's
  /// guards may refer only to its own inputs.
  std::vector<std::string> lost_guards;
};

/// Joins stages that were exported one by one. A value that one stage passes to
/// the next becomes one value; inputs with the same name become one input. If
/// two stages use the same FQN, the modules and states of each stage get the
/// prefix "stage_K".
///
/// throws  Error(Usage): the stages have different formats
///         Error(Input): see assemble() and JointSymbols::pin()
JoinedStages join_stages(std::vector<Model> stages);

/// Loads the stages of a directory that were exported one by one, and joins
/// them.
/// throws  see load_model() and join_stages()
JoinedStages join_directory(
    const std::filesystem::path& directory,
    const Manifest& manifest,
    const ModelFormats& formats);

/// Gives the joined model the values of a checkpoint folder.
/// throws  Error(Input): the folder is no checkpoint; see also bind_weights();
///         Error(Usage): moving averages are not yet supported
void bind_checkpoint(
    JoinedStages& joined,
    const std::filesystem::path& checkpoint,
    CheckpointWeights which);

/// Adds the weights in JoinedStages::unread to the graph's states, so that they
/// are written to the file.
void add_unread_weights(JoinedStages& joined);

/// Writes the joined model to a file in the stages' format.
void write_joined(
    const std::filesystem::path& path,
    const JoinedStages& joined,
    const ModelFormats& formats);

}  // namespace pp
