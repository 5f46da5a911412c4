#include "loader/model_loader.h"

#include <array>
#include <string>
#include <utility>

#include "loader/core/error.h"
#include "loader/effects/self_copies.h"
#include "loader/exported_program/load.h"
#include "loader/ir/lint.h"
#include "loader/model/shared_memory.h"
#include "loader/operators/schemas.h"
#include "loader/torchscript/load.h"
#include "loader/torchscript/write.h"

namespace pp {

namespace {

/// Adds the operators' effects and checks the graph.
Model finish(Model model, const Trust& trust) {
  const bool has_record = model.details && !model.details->graph_record.empty();
  const std::string where =
      model.path + (has_record ? ": " + model.details->graph_record : "");
  annotate_effects(model.graph, where);
  drop_self_copies(model.graph);
  mark_shared_memory(model);
  for (const std::string& name :
       check_operators(model.graph, trust.operators, where)) {
    model.notes.push_back(
        "calls " + name +
        ", which --allow-operator allows: it may do more than compute a "
        "result");
  }
  ir::lint(model.graph, where);
  return model;
}

Model load_exported(
    std::shared_ptr<const ZipReader> archive,
    const LoadOptions& options,
    const Trust& trust) {
  if (!options.inputs.empty()) {
    throw usage_error(
        archive->label() +
        " already describes its inputs; drop --input, which is for "
        "TorchScript only");
  }
  return finish(load_exported_program(std::move(archive)), trust);
}

void write_exported(
    const std::filesystem::path& path,
    const ir::Graph& graph,
    const Model& source,
    bool whole_output,
    Sync sync) {
  write_exported_program(
      path,
      graph,
      source,
      whole_output ? OutputTree::Source : OutputTree::Tuple,
      sync);
}

Model load_script(
    std::shared_ptr<const ZipReader> archive,
    const LoadOptions& options,
    const Trust& trust) {
  return finish(load_torchscript(std::move(archive), options, trust), trust);
}

constexpr std::array kFormats{
    FormatRow{
        ModelFormat::ExportedProgram,
        is_exported_program,
        load_exported,
        write_exported},
    FormatRow{
        ModelFormat::TorchScript,
        is_torchscript,
        load_script,
        write_torchscript},
};

}  // namespace

ModelFormats model_formats(Trust trust) {
  return {kFormats, std::move(trust)};
}

Model load_model(
    const std::filesystem::path& path,
    const LoadOptions& options,
    const Trust& trust) {
  return load_model(path, model_formats(trust), options);
}

}  // namespace pp
