#include "loader/torchscript/load.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loader/core/error.h"
#include "loader/operators/schemas.h"
#include "loader/torchscript/archive.h"
#include "loader/torchscript/dead_nodes.h"
#include "loader/torchscript/inputs.h"
#include "loader/torchscript/lower/assigned_buffers.h"
#include "loader/torchscript/lower/first_text_line.h"
#include "loader/torchscript/lower/open_lists.h"
#include "loader/torchscript/lower/run.h"
#include "loader/torchscript/lower/states.h"
#include "loader/torchscript/mutations.h"
#include "loader/torchscript/outputs.h"
#include "loader/torchscript/written_graph.h"

namespace pp {

namespace {

/// Advises the user to state the sizes of inputs if `problem` says that
/// something is unknown. Returns "" if that can't help.
std::string size_advice(
    const std::string& problem,
    const c10::FunctionSchema& schema,
    const std::vector<at::Tensor>& examples) {
  if (problem.find("known") == std::string::npos &&
      problem.find("computed") == std::string::npos) {
    return "";
  }
  std::string options;
  for (const std::string& name : ts::inputs_without_sizes(schema, examples)) {
    options += " --input " + name + "=SIZES";
  }
  return options.empty() ? ""
                         : "; the file doesn't state the sizes of inputs, "
                           "which may be the cause: try" +
                               options + ", with SIZES such as 4x3x32x32";
}

/// Lowers the module's forward, with its inputs, states and outputs.
/// training  the mode to put the module into first; nullopt: leave it as it is
/// returns   the structure of the value that forward returns
ts::Returned lower_module(
    ts::Lowering& lowering,
    torch::jit::Module& module,
    const std::vector<at::Tensor>& examples,
    const std::optional<bool>& training) {
  const std::string& where = lowering.where;
  const c10::FunctionSchema& schema =
      module.get_method("forward").function().getSchema();
  try {
    const ts::Items inputs = ts::add_inputs(lowering, schema, examples);
    ts::add_states(lowering, module);
    if (training) {  // visits all modules, whose number is checked by now
      module.train(*training);
    }
    ts::Returned returned =
        ts::add_outputs(lowering, ts::lower_forward(lowering, module, inputs));
    check(lowering.outer_blocks.empty(), "every block is closed");
    ts::add_mutations(lowering);
    ts::drop_open_nodes(lowering);
    return returned;
  } catch (const Error& error) {
    const std::string what =
        error.what() + size_advice(error.what(), schema, examples);
    throw input_error(what.starts_with(where) ? what : where + ": " + what);
  } catch (const c10::Error& error) {
    throw input_error(
        where + ": " + ts::first_text_line(error.what_without_backtrace()));
  }
}

/// Notes for the user about the origin of sizes.
std::vector<std::string> size_notes(
    bool is_traced, bool has_examples, const LoadOptions& options) {
  if (!has_examples) {
    return {
        "scripted: the file has no sizes or element types, so they are not "
        "checked; give them with --input NAME=SIZES"};
  }
  if (!options.inputs.empty()) {
    return {
        "sizes come from --input; only element types and numbers of "
        "dimensions are checked"};
  }
  if (is_traced) {
    return {
        "traced: sizes come from the example inputs and may be built into the "
        "graph; only element types and numbers of dimensions are checked"};
  }
  return {};  // the caller checks options.examples
}

}  // namespace

bool is_torchscript(const ZipReader& archive) {
  return archive.has("constants.pkl") && archive.has("data.pkl") &&
         std::ranges::any_of(archive.records(), [](const ZipRecord& record) {
           return record.name.starts_with("code/");
         });
}

Model load_torchscript(
    std::shared_ptr<const ZipReader> archive,
    const LoadOptions& options,
    const Trust& trust) {
  const std::string where = archive->label();
  ts::LoadedModule loaded = ts::load_module(archive, trust.script_code);
  const auto method = loaded.module.find_method("forward");
  if (!method) {
    throw input_error(where + ": the module has no method 'forward'");
  }
  const c10::FunctionSchema& schema = method->function().getSchema();
  const auto traced = ts::traced_inputs(*archive);
  const auto examples = ts::replace_inputs(
      traced.empty() ? ts::tensors_from_hints(schema, options.examples)
                     : traced,
      schema,
      options.inputs);
  ts::Lowering lowering{
      .where = where,
      .allowed = trust.operators,
      .storages = loaded.records,
      .has_graph = archive->has(ts::kGraphRecord)};
  auto details = std::make_shared<ts::Details>();
  details->returned =
      lower_module(lowering, loaded.module, examples, options.training);

  Model model;
  model.path = archive->path().string();
  model.format = ModelFormat::TorchScript;
  model.graph = std::move(lowering.graph);
  model.records = std::move(lowering.state_records);
  annotate_effects(model.graph, where);
  ts::part_mutations(model.graph, where);
  ts::drop_dead_nodes(model.graph);
  if (archive->has(ts::kGraphRecord)) {
    ts::use_written_graph(*archive, model);
    ts::check_mutations(model.graph, where);
  } else {
    model.notes = size_notes(!traced.empty(), !examples.empty(), options);
  }
  model.archive = std::move(archive);
  model.details = std::move(details);
  return model;
}

}  // namespace pp
