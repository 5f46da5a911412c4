#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "loader/ir/types.h"
#include "loader/model/model.h"

namespace pp {

/// A value that enters a stage, in the order of the stage graph's inputs.
struct StageInput {
  std::string value;       ///< its name in the source and in the stage's graph
  bool from_user = false;  ///< read from the data, not sent by a stage
  std::string user_name;   ///< if from_user, the model input ("input_ids")
  ir::Type type;
  ir::TensorMeta tensor;  ///< the shape contract, if it is a tensor
};

/// A value that leaves a stage, in the order of the stage graph's outputs.
/// Values for the next stage come first, in the order of its inputs.
struct StageOutput {
  std::string value;     ///< its name in the source and in the stage's graph
  bool to_next = false;  ///< sent to the next stage
  bool relayed = false;  ///< one of this stage's inputs, passed on
  /// Whether it is sent only because the model returns it; no later stage reads
  /// it.
  bool only_for_output = false;
  std::string model_output;  ///< name of the model output, on the last stage
  ir::Type type;
  ir::TensorMeta tensor;  ///< the shape contract, if it is a tensor
};

struct StageManifest {
  std::string file;                  ///< "stage_0.pt2", in the stage directory
  std::string hash;                  ///< ZipReader::content_hash of that file
  std::vector<std::string> modules;  ///< outermost modules entirely inside it
  std::vector<StageInput> inputs;
  std::vector<StageOutput> outputs;
  std::vector<std::string> parameters;  ///< FQNs
  std::vector<std::string> buffers;
  uint64_t num_parameters = 0;  ///< elements
  uint64_t parameter_bytes = 0;
  uint64_t flops = 0;      ///< forward, by formula, at the sizes of the export
  uint64_t bytes_in = 0;   ///< received from the stage before, at those sizes
  uint64_t bytes_out = 0;  ///< sent to the next stage, at those sizes
  /// Conditions on the sizes of its inputs under which a stage was exported on
  /// its own, as Graph::guards; an input has the name that it has here: its
  /// user_name or its value.
  std::vector<std::string> guards;
  std::vector<std::string> notes;  ///< why it relays or recomputes values
};

/// A parameter that several stages hold.
struct TiedParameter {
  std::string fqn;                   ///< its first name in the source
  std::vector<std::string> aliases;  ///< its other names
  std::vector<int> stages;           ///< ascending
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

/// The content of `manifest.json`: what the stage files themselves don't
/// record.
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

  /// Whether the stages were exported by hand: there is no source then.
  bool is_assembled() const { return source_file.empty(); }
};

/// Reads `manifest.json` of a stage directory.
/// throws Error(Input): the file is missing, is not JSON, has a newer version
///        or a wrong field
Manifest read_manifest(const std::filesystem::path& stage_directory);
std::string to_json(const Manifest& manifest);

}  // namespace pp
