#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loader/ir/input_hints.h"
#include "loader/model.h"
#include "runtime/job/job.h"
#include "splitter/artifact.h"
#include "splitter/manifest.h"

namespace pp {

/// A stage's graph and where its tensors lie.
struct StageSource {
  ir::Graph graph;
  std::map<std::string, StateRecord> records;
  std::shared_ptr<const ZipReader> archive;
  /// Where the stage's file would be, which this host does not have.
  std::filesystem::path absent = {};
};

/// The stages a job runs: from a stage directory, or cut from a model now.
struct PipelineSource {
  Manifest manifest;
  std::vector<StageSource> stages;
  /// A stage to run. throws Error(Input): its file is absent
  const StageSource& stage(int index) const;
  std::vector<Cut> cuts;           ///< of a model cut now
  std::vector<std::string> notes;  ///< for the user, a line each
};

/// cuts      where to cut the model; none: decided here, by `split`
/// examples  see LoadOptions
/// wanted    of a stage directory's stages
/// throws    Error(Usage) or Error(Input), see open_stages, load_model,
///           partition
PipelineSource open_pipeline(
    const ModelConfig& model,
    const SplitConfig& split,
    const std::optional<std::vector<Cut>>& cuts = {},
    const InputHints& examples = {},
    Stages wanted = Stages::All);
PipelineSource cut_model(const Model& model, const SplitSpec& spec);

/// Cuts as a text, so that one rank decides them for all, and back.
std::string cuts_text(const std::vector<Cut>& cuts);
std::vector<Cut> parse_cuts(const std::string& text);

}  // namespace pp
