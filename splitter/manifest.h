#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "loader/ir/types.h"
#include "loader/model.h"

namespace pp {

/// A value that enters a stage, in the order of the stage graph's inputs.
struct StageInput {
  std::string value;       ///< its name in the source graph, and in the stage's
  bool from_user = false;  ///< read from the data; else from the stage before
  std::string user_name;   ///< from_user: the model input ("input_ids")
  ir::Type type;
  ir::TensorMeta tensor;  ///< Tensor: the shape contract
};

/// A value that leaves a stage, in the order of the stage graph's outputs.
/// What goes to the next stage comes first, in the order of its inputs.
struct StageOutput {
  std::string value;
  bool to_next = false;
  bool relayed = false;  ///< it is one of this stage's inputs, passed on
  bool only_for_output = false;  ///< no later stage reads it: it goes along
                                 ///< only because the model returns it
  std::string model_output;  ///< last stage: the model output it is, or empty
  ir::Type type;
  ir::TensorMeta tensor;
};

struct StageManifest {
  std::string file;                  ///< "stage_0.pt2", in the stage directory
  std::string hash;                  ///< ZipReader::content_hash of that file
  std::vector<std::string> modules;  ///< the outermost whole modules in it
  std::vector<StageInput> inputs;
  std::vector<StageOutput> outputs;
  std::vector<std::string> parameters;  ///< FQNs
  std::vector<std::string> buffers;
  uint64_t num_parameters = 0;  ///< elements
  uint64_t parameter_bytes = 0;
  uint64_t flops = 0;      ///< forward, by formula, at the sizes of the export
  uint64_t bytes_in = 0;   ///< from the stage before, at those sizes
  uint64_t bytes_out = 0;  ///< to the stage after
  std::vector<std::string> notes;  ///< what is relayed or recomputed, and why
};

/// One parameter that several stages hold.
struct TiedParameter {
  std::string fqn;  ///< the first of its names in the source
  std::vector<std::string> aliases;
  std::vector<int> stages;  ///< ascending
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

/// `manifest.json`: what the stage files themselves do not say.
struct Manifest {
  int version = 1;
  ModelFormat format = ModelFormat::ExportedProgram;
  std::string source_file;  ///< "source.pt2"; empty after --assemble
  std::string source_hash;
  std::vector<std::string> cuts;  ///< split points, one a cut
  std::vector<ModelInput> inputs;
  std::vector<ModelOutput> outputs;
  std::vector<StageManifest> stages;
  std::vector<TiedParameter> tied;

  bool is_assembled() const { return source_file.empty(); }
};

/// throws Error(Input): missing, not JSON, a newer version, a wrong field
Manifest read_manifest(const std::filesystem::path& stage_directory);
std::string to_json(const Manifest& manifest);

}  // namespace pp
