#include "cli/command.h"
#include "cli/console.h"
#include "cli/split_options.h"
#include "loader/core/error.h"
#include "loader/model_loader.h"
#include "runtime/measure/measure.h"
#include "splitter/artifact.h"
#include "splitter/balance.h"
#include "splitter/inspect.h"

namespace pp::cli {

std::function<int()> setup_split(CLI::App& app, const Invocation&) {
  struct Options {
    std::string model;
    std::string directory;
    SplitOptions split;
  };
  auto options = std::make_shared<Options>();
  app.add_option("model", options->model, "A saved model: .pt2 or .pt")
      ->required()
      ->type_name("MODEL");
  app.add_option("-o,--output", options->directory, "The stage directory")
      ->required()
      ->type_name("DIR");
  add_split_options(app, options->split);
  return [options] {
    SplitSpec spec = to_split_spec(options->split);
    if (spec.at.empty() && spec.num_stages == 0 && !spec.markers) {
      throw usage_error(
          "nowhere to cut: give --at FQN, --stages N or --markers; "
          "'pp inspect " +
          options->model + "' lists the legal cuts");
    }
    const Model model =
        load_model(options->model, parse_input_hints(options->split.inputs));
    spec = with_costs(model, std::move(spec));
    Partition parts = partition(model, spec);
    std::string table = summary(parts.manifest);
    if (spec.costs) {
      table += times_text(
          predict_costs(model.graph, spec, choose_cuts(model.graph, spec)));
    }
    write_stages(options->directory, model, std::move(parts));
    print(table);
    print("wrote " + options->directory + "\n");
    return 0;
  };
}

}  // namespace pp::cli
