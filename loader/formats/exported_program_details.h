#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "loader/ir/types.h"
#include "loader/model.h"

namespace pp::ep {

/// Records of an ExportedProgram archive.
inline constexpr const char* kModels = "models/";
inline constexpr const char* kWeights = "data/weights/";
inline constexpr const char* kConstants = "data/constants/";
inline constexpr const char* kSampleInputs = "data/sample_inputs/";
/// Names of inputs and outputs that the trees cannot carry; ours.
inline constexpr const char* kNamesRecord = "extra/pp_names.json";

/// Keys of Node::metadata that the reader leaves for the writer.
inline constexpr const char* kModuleStack = "nn_module_stack";
inline constexpr const char* kSingleReturn = "pp.single_return";
/// The regions that a node stood in, outermost first, each a line of its
/// graph's name, a tab and its module stack.
inline constexpr const char* kRegion = "pp.region";

/// The name of a sub-graph's only output where it is not in a tuple.
inline constexpr const char* kSingleOutput = "result";

/// One flat input of the model's forward, in order.
struct UserInput {
  std::string placeholder;
  /// The argument that the export fixed (None, a number, a text) as the schema
  /// writes it; null: a value that the caller passes.
  nlohmann::json constant;
};

/// One entry of a weight or constant table.
struct Payload {
  std::string record;  ///< full name in the archive
  bool is_parameter = false;
  ir::TensorMeta tensor;
};

/// What the writer needs of the file that the reader saw.
struct Details : FormatDetails {
  std::string model_name;  ///< of "models/NAME.json"
  /// The document without graph, signature and module signatures.
  nlohmann::json program;
  std::string in_spec;
  std::string out_spec;
  nlohmann::json forward_arg_names;  ///< null or a list of texts
  std::vector<std::string> module_fqns;
  /// Dim::expr -> the same expression as the schema writes it.
  std::map<std::string, std::string> expressions;
  std::vector<UserInput> user_inputs;
  /// Weights in the file that the graph does not use, by FQN.
  std::map<std::string, Payload> unused_weights;
};

}  // namespace pp::ep
