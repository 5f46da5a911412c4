#include "splitter/inspect/inspect.h"

#include "cli/command.h"
#include "cli/console.h"
#include "loader/core/error.h"
#include "loader/model_loader.h"

namespace pp::cli {

std::function<int()> setup_inspect(CLI::App& app, const Invocation&) {
  struct Options {
    std::string path;
    int depth = -1;
    std::string format = "text";
    std::vector<std::string> inputs;
    TrustOptions trust;
  };
  auto options = std::make_shared<Options>();
  app.add_option("path", options->path, "Saved model or stage directory")
      ->required()
      ->check(not_empty())
      ->type_name("MODEL|STAGES");
  app.add_option(
         "--depth",
         options->depth,
         "Number of levels of the module tree to show")
      ->type_name("N")
      ->check(CLI::Range(0, 1000));
  app.add_option("--format", options->format, "Output format")
      ->check(CLI::IsMember({"text", "json", "dot"}))
      ->capture_default_str();
  add_input_option(app, options->inputs);
  add_trust_options(app, options->trust);
  return [options] {
    InspectOptions inspect_options;
    if (options->depth >= 0) {
      inspect_options.depth = options->depth;
    }
    if (options->format == "json") {
      inspect_options.format = InspectFormat::Json;
    } else if (options->format == "dot") {
      inspect_options.format = InspectFormat::Dot;
    }
    const bool has_stages = std::filesystem::is_directory(options->path);
    if (has_stages && !options->inputs.empty()) {
      throw usage_error(
          "--input is for a saved model; " + options->path +
          " is a stage directory, and stages keep the sizes that `pp split` "
          "was given");
    }
    const Trust trust = to_trust(options->trust);
    enter_sandbox(options->trust, {.reads = {options->path}}, {});
    print(
        has_stages ? inspect(
                         open_stages(options->path, model_formats(trust)),
                         inspect_options)
                   : inspect(
                         load_model(
                             options->path,
                             {.inputs = parse_input_hints(options->inputs)},
                             trust),
                         inspect_options));
    return 0;
  };
}

}  // namespace pp::cli
