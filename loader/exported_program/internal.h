#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "loader/exported_program/guards.h"
#include "loader/ir/types.h"
#include "loader/model/model.h"

namespace pp::ep {

/// Folders in an ExportedProgram archive.
inline constexpr const char* kModels = "models/";
inline constexpr const char* kWeights = "data/weights/";
inline constexpr const char* kConstants = "data/constants/";
inline constexpr const char* kSampleInputs = "data/sample_inputs/";
/// NAME of the record "models/NAME.json" in files that pp writes.
inline constexpr const char* kWrittenModelName = "model";
/// A record that only pp writes. It has the names of inputs and outputs that a
/// file's trees can't express.
inline constexpr const char* kNamesRecord = "extra/pp_names.json";

/// Keys of Node::metadata that the reader sets for the writer.
inline constexpr const char* kModuleStack = "nn_module_stack";
inline constexpr const char* kSingleReturn = "pp.single_return";
/// The no-grad and autocast regions around a node, outermost first. Each is a
/// line with the name of its graph, a tab and its module stack.
inline constexpr const char* kRegion = "pp.region";

/// Name of a sub-graph's only output if the sub-graph doesn't return a tuple.
inline constexpr const char* kSingleOutput = "result";

/// One flat input of a program. The export flattens the arguments of the
/// model's forward to a list of such inputs.
struct UserInput {
  std::string placeholder;
  /// The constant (None, a number, a string) that the export fixed for this
  /// input, in the schema's form. A JSON null if the caller passes a value.
  nlohmann::json constant;
};

/// An entry of an archive's table of weights or table of constants.
struct Payload {
  std::string record;  ///< the tensor's record: its full name in the archive
  bool is_parameter = false;
  ir::TensorMeta tensor;
};

/// Facts about a file that the reader keeps for the writer.
struct Details : FormatDetails {
  std::string model_name;  ///< NAME of "models/NAME.json"
  /// The JSON document of the program, without the graph and its signatures.
  nlohmann::json program;
  std::string in_spec;
  std::string out_spec;
  nlohmann::json forward_arg_names;  ///< JSON null or a list of strings
  std::vector<std::string> module_fqns;
  /// The schema's form of each expression, by Dim::expr.
  std::map<std::string, std::string> expressions;
  std::vector<UserInput> user_inputs;    ///< all flat inputs, in order
  std::vector<GuardInput> guard_inputs;  ///< in the order of Graph::inputs
  /// Weights in the file that the graph does not read, by FQN.
  std::map<std::string, Payload> unused_weights;
};

}  // namespace pp::ep
