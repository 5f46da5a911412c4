#include "cli/command.h"
#include "cli/console.h"
#include "cli/interrupt.h"
#include "cli/split_options.h"
#include "loader/core/error.h"
#include "loader/model_loader.h"
#include "splitter/artifact.h"
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
      ->check(not_empty())
      ->type_name("MODEL");
  app.add_option("-o,--output", options->directory, "The stage directory")
      ->required()
      ->check(not_empty())
      ->type_name("DIR");
  add_split_options(app, options->split);
  return [options] {
    const SplitSpec spec = to_split_spec(options->split);
    if (spec.at.empty() && spec.num_stages == 0 && !spec.markers) {
      throw usage_error(
          "nowhere to cut: give --at FQN, --stages N or --markers; "
          "'pp inspect " +
          options->model + "' lists the legal cuts");
    }
    const EndOnSignal end_on_signal({options->directory});
    const Model model = load_model(options->model);
    Partition parts = partition(model, spec);
    const std::string table = summary(parts.manifest);
    const bool replaces = is_stage_directory(options->directory);
    write_stages(options->directory, model, std::move(parts));
    print(table);
    print(
        "wrote " + options->directory +
        (replaces ? ", in place of the stages that were there\n" : "\n"));
    return 0;
  };
}

}  // namespace pp::cli
