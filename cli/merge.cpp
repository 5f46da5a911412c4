#include "cli/command.h"
#include "cli/console.h"
#include "splitter/artifact.h"

namespace pp::cli {

std::function<int()> setup_merge(CLI::App& app, const Invocation&) {
  struct Options {
    std::string directory;
    std::string checkpoint;
    std::string output;
  };
  auto options = std::make_shared<Options>();
  app.add_option("stages", options->directory, "The stage directory")
      ->required()
      ->type_name("DIR");
  app.add_option(
         "--checkpoint",
         options->checkpoint,
         "Weights of this checkpoint, not the stages'")
      ->type_name("CKPT");
  app.add_option("-o,--output", options->output, "The model file to write")
      ->required()
      ->type_name("MODEL");
  return [options] {
    std::optional<std::filesystem::path> checkpoint;
    if (!options->checkpoint.empty()) {
      checkpoint = options->checkpoint;
    }
    merge(options->directory, checkpoint, options->output);
    print("wrote " + options->output + "\n");
    return 0;
  };
}

}  // namespace pp::cli
