#include "cli/command.h"
#include "cli/console.h"
#include "cli/interrupt.h"
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
      ->check(not_empty())
      ->type_name("DIR");
  app.add_option(
         "--checkpoint",
         options->checkpoint,
         "Weights of this checkpoint, not the stages'")
      ->type_name("CKPT")
      ->check(not_empty());
  app.add_option("-o,--output", options->output, "The model file to write")
      ->required()
      ->check(not_empty())
      ->type_name("MODEL");
  return [options] {
    std::optional<std::filesystem::path> checkpoint;
    if (!options->checkpoint.empty()) {
      checkpoint = options->checkpoint;
    }
    const ModelFormat format = read_manifest(options->directory).format;
    const EndOnSignal end_on_signal({options->output});
    merge(options->directory, checkpoint, options->output);
    const bool misnamed =
        format == ModelFormat::TorchScript && options->output.ends_with(".pt2");
    print(
        "wrote " + options->output +
        (misnamed ? ", a TorchScript archive: their names end in .pt\n"
                  : "\n"));
    return 0;
  };
}

}  // namespace pp::cli
