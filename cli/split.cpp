#include "cli/command.h"
#include "cli/console.h"
#include "cli/interrupt.h"
#include "cli/split_options.h"
#include "loader/core/error.h"
#include "loader/model_loader.h"
#include "runtime/measure/measure.h"
#include "splitter/artifact.h"
#include "splitter/balance.h"
#include "splitter/bound_model.h"
#include "splitter/inspect.h"

namespace pp::cli {

namespace {

void split_model(
    const Model& model, const SplitSpec& given, const std::string& directory) {
  const SplitSpec spec = with_costs(model, given);
  Partition parts = partition(model, spec);
  std::string table = summary(parts.manifest);
  if (spec.costs) {
    table += times_text(
        predict_costs(model.graph, spec, choose_cuts(model.graph, spec)));
  }
  const bool replaces = is_stage_directory(directory);
  write_stages(directory, model, std::move(parts));
  print(table);
  print(
      "wrote " + directory +
      (replaces ? ", in place of the stages that were there\n" : "\n"));
}

int assemble_stages(
    const std::vector<std::filesystem::path>& files,
    const std::string& directory) {
  Assembly assembly = load_assembly(files);
  const std::string table = summary(assembly.manifest);
  write_assembled(directory, files, std::move(assembly.manifest));
  print(table);
  print("wrote " + directory + "\n");
  return 0;
}

}  // namespace

std::function<int()> setup_split(CLI::App& app, const Invocation&) {
  struct Options {
    std::string model;
    std::vector<std::filesystem::path> assemble;
    std::string directory;
    std::string weights;
    SplitOptions split;
  };
  auto options = std::make_shared<Options>();
  auto* whole =
      app.add_option("model", options->model, "A saved model: .pt2 or .pt")
          ->check(not_empty())
          ->type_name("MODEL");
  app.add_option(
         "--assemble",
         options->assemble,
         "Chain stages exported by hand, in this order")
      ->type_name("STAGE")
      ->excludes(whole);
  app.add_option("-o,--output", options->directory, "The stage directory")
      ->required()
      ->check(not_empty())
      ->type_name("DIR");
  app.add_option(
         "--weights",
         options->weights,
         "Safetensors files to take the weights from")
      ->type_name("GLOB");
  add_split_options(app, options->split);
  return [options] {
    const EndOnSignal end_on_signal({options->directory});
    if (!options->assemble.empty()) {
      return assemble_stages(options->assemble, options->directory);
    }
    if (options->model.empty()) {
      throw usage_error(
          "no model: name a saved one, or with --assemble its stages");
    }
    const SplitSpec spec = to_split_spec(options->split);
    if (spec.at.empty() && spec.num_stages == 0 && !spec.markers) {
      throw usage_error(
          "nowhere to cut: give --at FQN, --stages N or --markers; "
          "'pp inspect " +
          options->model + "' lists the legal cuts");
    }
    Model model = load_model(
        options->model, {.inputs = parse_input_hints(options->split.inputs)});
    if (options->weights.empty()) {
      split_model(model, spec, options->directory);
      return 0;
    }
    const BoundModel bound(
        std::move(model), options->weights, options->directory);
    for (const std::string& note : bound.notes()) {
      print("note: " + note + "\n");
    }
    split_model(bound.model(), spec, options->directory);
    return 0;
  };
}

}  // namespace pp::cli
