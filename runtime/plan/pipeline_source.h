#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loader/allowed/trust.h"
#include "loader/ir/input_hints.h"
#include "loader/model/model.h"
#include "runtime/job/job.h"
#include "splitter/files/artifact.h"
#include "splitter/manifest/manifest.h"

namespace pp {

/// A stage's graph, and where the values of its parameters, buffers and
/// constants are.
struct StageSource {
  ir::Graph graph;
  std::map<std::string, StateRecord> records;
  std::shared_ptr<const ZipReader> archive;
  /// Path of the stage's file if this host lacks it; otherwise empty.
  std::filesystem::path absent = {};
};

/// The stages of a job, read from a stage directory or cut from a model.
struct PipelineSource {
  Manifest manifest;
  std::vector<StageSource> stages;
  /// Returns the stage with the index `index`, to run it.
  /// throws  Error(Input): the stage's file is absent on this host
  const StageSource& stage(int index) const;
  /// The places where the model was cut; empty for a stage directory.
  std::vector<Cut> cuts;
  std::vector<std::string> notes;  ///< for the user, one line each
};

/// Opens the model or the stages of a job.
///
/// cuts      where to cut the model; nullopt: as `split` says
/// examples  shapes of the inputs, see LoadOptions
/// wanted    which stages of a stage directory to open
/// trust     how far the files are trusted
/// throws    what open_stages(), load_model() and partition() throw:
///           Error(Usage) or Error(Input)
PipelineSource open_pipeline(
    const ModelConfig& model,
    const SplitSpec& split,
    const std::optional<std::vector<Cut>>& cuts = {},
    const InputHints& examples = {},
    Stages wanted = Stages::All,
    const Trust& trust = {});
PipelineSource cut_model(const Model& model, const SplitSpec& spec);

/// Converts cuts to text for rank 0 to send; parse_cuts() converts it back.
/// throws  Error(Runtime): parse_cuts() gets any other text
std::string cuts_text(const std::vector<Cut>& cuts);
std::vector<Cut> parse_cuts(const std::string& text);

}  // namespace pp
