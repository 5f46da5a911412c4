#pragma once

#include <map>
#include <string>
#include <vector>

#include "loader/model.h"
#include "splitter/assemble.h"
#include "splitter/joint_symbols.h"
#include "splitter/manifest.h"

namespace pp {

/// An output of a stage that later stages, or the model's caller, get.
struct ChainedOutput {
  int stage = 0;
  std::string output;  ///< as the stage calls it
  ir::Arg value;       ///< in the stage's graph
  std::string name;    ///< over all stages
  ir::Type type;
  ir::TensorMeta tensor;
  int last_reader = -1;  ///< the last stage that takes it
  bool returned = false;
};

/// Where an input of a stage comes from.
struct ChainedInput {
  int output = -1;  ///< in StageChain::outputs; -1: a model input
  ir::ValueId value = ir::kNoValue;
  std::string name;  ///< as the stage calls it
};

/// What became of the names in a stage's file.
struct StageNames {
  std::string prefix;  ///< "stage_K" before its FQNs, or empty
  std::map<std::string, std::string> symbols;
};

/// Who gives what to whom in a chain of stages.
struct StageChain {
  std::vector<ModelInput> inputs;      ///< of the whole
  std::vector<ChainedOutput> outputs;  ///< by stage, in its order
  std::vector<std::vector<ChainedInput>>
      entries;                    ///< by stage, in its inputs' order
  std::vector<StageNames> names;  ///< by stage
  JointSymbols symbols;           ///< of all stages

  /// Position of an output of a stage in `outputs`, or -1.
  int find_output(int stage, const std::string& output) const;
};

/// Joins stages as assemble() says. Names of values, states and symbols become
/// unique over all of them; their inputs and outputs stay as they are.
/// throws what assemble() throws
StageChain chain_stages(std::vector<Model>& stages);

/// The rest of assemble().
/// chain  of these stages
Assembly assemble_chain(std::vector<Model> stages, const StageChain& chain);

}  // namespace pp
