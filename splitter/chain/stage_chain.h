#pragma once

#include <map>
#include <string>
#include <vector>

#include "loader/model/model.h"
#include "splitter/chain/assemble.h"
#include "splitter/chain/joint_symbols.h"
#include "splitter/manifest/manifest.h"

namespace pp {

/// An output of a stage that later stages or the model's caller use.
struct ChainedOutput {
  int stage = 0;       ///< the stage that computes it
  std::string output;  ///< the output's name in the stage's file
  ir::Arg value;       ///< the output in the stage's graph
  std::string name;    ///< its name after chaining, unique across stages
  ir::Type type;
  ir::TensorMeta tensor;
  int last_reader = -1;   ///< last stage that reads the value; -1: none does
  bool returned = false;  ///< whether the model returns the value
};

/// An input of a stage, and its source.
struct ChainedInput {
  /// Index in StageChain::outputs of the value that the input reads; -1: the
  /// input is an input of the model.
  int output = -1;
  ir::ValueId value = ir::kNoValue;  ///< the input in the stage's graph
  std::string name;                  ///< the input's name in the stage's file
};

/// How chain_stages() changed the names in a stage's file.
struct StageNames {
  /// The prefix "stage_K" of the stage's FQNs; empty: the FQNs are unchanged.
  std::string prefix;
  /// New names of symbols, by their old names.
  std::map<std::string, std::string> symbols;
};

/// The connections between the stages of a chain.
struct StageChain {
  std::vector<ModelInput> inputs;  ///< inputs of the whole model, in order
  /// Outputs of all stages, ordered by stage, then as in the stage's file.
  std::vector<ChainedOutput> outputs;
  /// Inputs of each stage, ordered as in the stage's file.
  std::vector<std::vector<ChainedInput>> entries;
  std::vector<StageNames> names;  ///< one per stage
  JointSymbols symbols;           ///< symbolic sizes of all stages

  /// Finds a stage's output by name and returns its index in `outputs`; -1 if
  /// the stage has no such output.
  int find_output(int stage, const std::string& output) const;
};

/// Connects stages by the rules of assemble(). Makes the names of values,
/// states and symbols in `stages` unique; leaves each stage's lists of inputs
/// and outputs unchanged.
/// throws  Error(Input), see assemble()
StageChain chain_stages(std::vector<Model>& stages);

/// Builds the assembly of stages that chain_stages() has connected.
Assembly assemble_chain(std::vector<Model> stages, const StageChain& chain);

}  // namespace pp
