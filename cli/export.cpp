#include "cli/command.h"
#include "runtime/python/export_folder.h"

namespace pp::cli {

std::function<int()> setup_export(CLI::App& app, const Invocation&) {
  auto options = std::make_shared<ExportOptions>();
  app.add_option("folder", options->folder, "Model folder of transformers")
      ->required()
      ->check(not_empty())
      ->type_name("DIR");
  app.add_option(
         "-o,--output",
         options->output,
         "File to write; DIR's name with .pt2 by default")
      ->check(not_empty())
      ->type_name("MODEL");
  app.add_option(
         "--class",
         options->class_name,
         "Class of transformers; the config's by default")
      ->check(not_empty())
      ->type_name("NAME");
  app.add_option("--batch", options->batch, "Rows of the exported example")
      ->type_name("N")
      ->check(CLI::Range(2, 1 << 20))
      ->capture_default_str();
  app.add_option("--seq", options->sequence, "Tokens of the exported example")
      ->type_name("N")
      ->check(CLI::Range(4, 1 << 20))
      ->capture_default_str();
  app.add_option("--seed", options->seed, "Seed of weights that DIR lacks")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_flag("--train", options->train, "Export with dropout on");
  app.add_flag(
      "--empty",
      options->empty,
      "Leave weights in DIR, for run and split to read");
  app.add_option(
         "--python", options->python, "Python that has torch and transformers")
      ->check(not_empty())
      ->type_name("PROGRAM");
  return [options]() -> int { become(export_command(*options)); };
}

}  // namespace pp::cli
