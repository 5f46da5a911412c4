#include "cli/command.h"
#include "cli/console.h"
#include "cli/interrupt.h"
#include "cli/split_options.h"
#include "loader/core/error.h"
#include "loader/model_loader.h"
#include "runtime/measure/measure.h"
#include "runtime/run/job_paths.h"
#include "splitter/cut/balance.h"
#include "splitter/cut/unread_inputs.h"
#include "splitter/files/artifact.h"
#include "splitter/files/bound_model.h"
#include "splitter/inspect/inspect.h"

namespace pp::cli {

namespace {

std::string unread_text(
    const Manifest& manifest, const std::vector<ir::Graph>& stages) {
  std::vector<const ir::Graph*> graphs;
  for (const ir::Graph& stage : stages) {
    graphs.push_back(&stage);
  }
  std::string out;
  for (const std::string& note : unread_input_notes(manifest, graphs)) {
    out += "note: " + note + "\n";
  }
  return out;
}

void split_model(
    const Model& model,
    const SplitSpec& given,
    const std::string& directory,
    const ModelFormats& formats) {
  const SplitSpec spec = with_costs(model, given);
  const SplitFlow flow(model.graph, spec.rematerialise);
  const std::vector<Cut> cuts = choose_cuts(flow, spec);
  Partition parts = partition(model, flow, spec, cuts);
  std::string table = summary(parts.manifest);
  if (spec.costs) {
    table += times_text(predict_costs(flow.for_stages(), spec, cuts));
  }
  table += unread_text(parts.manifest, parts.stages);
  const bool replaces = is_stage_directory(directory);
  write_stages(directory, model, std::move(parts), formats);
  print(table);
  print(
      "wrote " + directory +
      (replaces ? ", replacing the stages that were there\n" : "\n"));
}

int assemble_stages(
    const std::vector<std::filesystem::path>& files,
    const std::string& directory,
    const ModelFormats& formats) {
  Assembly assembly = load_assembly(files, formats);
  std::vector<ir::Graph> graphs;
  for (const Model& stage : assembly.stages) {
    graphs.push_back(stage.graph);
  }
  const std::string table =
      summary(assembly.manifest) + unread_text(assembly.manifest, graphs);
  write_assembled(directory, files, std::move(assembly));
  print(table);
  print("wrote " + directory + "\n");
  return 0;
}

struct Options {
  std::string model;
  std::vector<std::filesystem::path> assemble;
  std::string directory;
  std::string weights;
  SplitOptions split;
};

SandboxRules paths_of(const Options& options) {
  SandboxRules rules;
  rules.reads = options.assemble;
  for (const std::string& path : {options.model, options.weights}) {
    if (!path.empty()) {
      rules.reads.push_back(place_of(path));
    }
  }
  rules.writes.push_back(
      std::filesystem::absolute(options.directory).parent_path());
  return rules;
}

int run_split(const Options& options) {
  const EndOnSignal end_on_signal({options.directory});
  enter_sandbox(options.split.trust, paths_of(options), {});
  const ModelFormats formats = model_formats(to_trust(options.split.trust));
  if (!options.assemble.empty()) {
    return assemble_stages(options.assemble, options.directory, formats);
  }
  if (options.model.empty()) {
    throw usage_error("expected a saved model, or stages after --assemble");
  }
  const SplitSpec spec = to_split_spec(options.split);
  if (spec.at.empty() && spec.num_stages == 0 && !spec.markers) {
    throw usage_error(
        "no cut given: use --at FQN, --stages N or --markers; "
        "'pp inspect " +
        options.model + "' lists the legal cuts");
  }
  Model model = load_model(
      options.model,
      formats,
      {.inputs = parse_input_hints(options.split.inputs)});
  if (options.weights.empty()) {
    split_model(model, spec, options.directory, formats);
    return 0;
  }
  const BoundModel bound(
      std::move(model), options.weights, options.directory, formats);
  for (const std::string& note : bound.notes()) {
    print("note: " + note + "\n");
  }
  split_model(bound.model(), spec, options.directory, formats);
  return 0;
}

}  // namespace

std::function<int()> setup_split(CLI::App& app, const Invocation&) {
  auto options = std::make_shared<Options>();
  auto* whole =
      app.add_option("model", options->model, "Saved model: .pt2 or .pt")
          ->check(not_empty())
          ->type_name("MODEL");
  app.add_option(
         "--assemble",
         options->assemble,
         "Join stages exported by hand, in this order")
      ->type_name("STAGE")
      ->excludes(whole);
  app.add_option("-o,--output", options->directory, "Stage directory to write")
      ->required()
      ->check(not_empty())
      ->type_name("DIR");
  app.add_option(
         "--weights",
         options->weights,
         "Safetensors files with weights, or their folder")
      ->type_name("GLOB|DIR");
  add_split_options(app, options->split);
  return [options] { return run_split(*options); };
}

}  // namespace pp::cli
