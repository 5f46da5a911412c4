#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "loader/ir/types.h"
#include "loader/model/model.h"

namespace pp {

/// A value that enters a stage. A list of StageInputs has the order of the
/// stage graph's inputs.
struct StageInput {
  std::string value;       ///< its name in the source and the stage's graph
  bool from_user = false;  ///< read from the data, not sent by another stage
  /// Name of the model input if from_user ("input_ids").
  std::string user_name;
  ir::Type type;
  ir::TensorMeta tensor;  ///< the shape contract; only for a tensor
};

/// A value that leaves a stage. A list of StageOutputs has the order of the
/// stage graph's outputs: first the values for the next stage, in the order of
/// that stage's inputs, then the others.
struct StageOutput {
  std::string value;     ///< its name in the source and the stage's graph
  bool to_next = false;  ///< sent to the next stage
  /// Whether the value is one of this stage's own inputs, passed on unchanged.
  bool relayed = false;
  /// Whether the value is sent only because the model returns it; no later
  /// stage reads it.
  bool only_for_output = false;
  /// On the last stage: name of the model output; empty on all others.
  std::string model_output;
  ir::Type type;
  ir::TensorMeta tensor;  ///< the shape contract; only for a tensor
};

struct StageManifest {
  std::string file;  ///< "stage_0.pt2", in the stage directory
  std::string hash;  ///< ZipReader::content_hash() of the stage's file
  /// The outermost modules that lie entirely in the stage.
  std::vector<std::string> modules;
  std::vector<StageInput> inputs;
  std::vector<StageOutput> outputs;
  std::vector<std::string> parameters;  ///< FQNs
  std::vector<std::string> buffers;
  uint64_t num_parameters = 0;  ///< number of elements of all its parameters
  uint64_t parameter_bytes = 0;
  uint64_t flops = 0;  ///< forward FLOPs by formula, for the sizes at export
  /// Bytes per forward from the previous stage, for the sizes at export.
  uint64_t bytes_in = 0;
  /// Bytes per forward to the next stage, for the sizes at export.
  uint64_t bytes_out = 0;
  /// For a stage that was exported on its own: the conditions on its inputs'
  /// sizes under which it was exported, in the language of Graph::guards. A
  /// guard names a user input by its `user_name`, and a received value by its
  /// `value`.
  std::vector<std::string> guards;
  /// Why the stage relays or recomputes values.
  std::vector<std::string> notes;
};

/// A parameter that several stages hold.
struct TiedParameter {
  std::string fqn;  ///< the parameter's first name in the source
  std::vector<std::string> aliases;  ///< the parameter's other names
  std::vector<int> stages;  ///< indices of the stages that hold it, ascending
};

struct ModelInput {
  std::string name;
  ir::Type type;
  ir::TensorMeta tensor;
  bool keyword = false;
};

struct ModelOutput {
  std::string name;
  ir::Type type;
  ir::TensorMeta tensor;
};

/// The content of `manifest.json`: the facts about a split that the stage files
/// themselves don't record.
struct Manifest {
  int version = 1;
  ModelFormat format = ModelFormat::ExportedProgram;
  std::string source_file;  ///< "source.pt2"; empty after --assemble
  std::string source_hash;
  std::vector<std::string> cuts;    ///< split points, one per cut
  std::vector<std::string> guards;  ///< Graph::guards of the source
  std::vector<ModelInput> inputs;
  std::vector<ModelOutput> outputs;
  std::vector<StageManifest> stages;
  std::vector<TiedParameter> tied;

  /// Whether the stages were exported by hand. Such a manifest has no source.
  bool is_assembled() const { return source_file.empty(); }
};

/// Reads `manifest.json` in a stage directory.
/// throws  Error(Input): the file is missing, is not JSON, has a newer version
///         or a wrong field
Manifest read_manifest(const std::filesystem::path& stage_directory);
std::string to_json(const Manifest& manifest);

}  // namespace pp
