#pragma once

#include <map>
#include <string>
#include <vector>

#include "loader/model/model.h"
#include "splitter/chain/assemble.h"
#include "splitter/chain/joint_symbols.h"
#include "splitter/manifest/manifest.h"

namespace pp {

/// An output of a stage, for later stages or the model's caller.
struct ChainedOutput {
  int stage = 0;       ///< the stage that computes it
  std::string output;  ///< its name in the stage's file
  ir::Arg value;       ///< in the stage's graph
  std::string name;    ///< unique across stages
  ir::Type type;
  ir::TensorMeta tensor;
  int last_reader = -1;   ///< last stage that reads it; -1: none
  bool returned = false;  ///< whether the model returns it
};

/// An input of a stage, and its source.
struct ChainedInput {
  int output = -1;  ///< index in StageChain::outputs; -1: a model input
  ir::ValueId value = ir::kNoValue;  ///< in the stage's graph
  std::string name;                  ///< its name in the stage's file
};

/// How the names in a stage's file changed.
struct StageNames {
  std::string prefix;  ///< "stage_K", which goes before its FQNs, or empty
  std::map<std::string, std::string> symbols;  ///< new names by old ones
};

/// The connections between the stages of a chain.
struct StageChain {
  std::vector<ModelInput> inputs;  ///< inputs of the whole model
  /// Outputs of all stages, by stage, in the order of its file.
  std::vector<ChainedOutput> outputs;
  /// Inputs of each stage, in the order of its file.
  std::vector<std::vector<ChainedInput>> entries;
  std::vector<StageNames> names;  ///< one per stage
  JointSymbols symbols;           ///< symbolic sizes of all stages

  /// Index of a stage's output in `outputs`, or -1.
  int find_output(int stage, const std::string& output) const;
};

/// Connects stages by the rules of assemble(). Names of values, states and
/// symbols become unique across stages; inputs and outputs stay as they are.
/// throws Error(Input), see assemble()
StageChain chain_stages(std::vector<Model>& stages);

/// Builds the assembly of stages that chain_stages() has connected.
Assembly assemble_chain(std::vector<Model> stages, const StageChain& chain);

}  // namespace pp
