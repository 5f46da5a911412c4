#include "runtime/run/verify.h"

#include "cli/command.h"
#include "cli/console.h"
#include "cli/interrupt.h"
#include "cli/split_options.h"
#include "loader/core/error.h"
#include "splitter/artifact.h"

namespace pp::cli {

std::function<int()> setup_verify(CLI::App& app, const Invocation& with) {
  struct Options {
    VerifyOptions verify;
    SplitOptions split;
    std::string log;
  };
  auto options = std::make_shared<Options>();
  app.add_option(
         "path", options->verify.path, "A stage directory, or a saved model")
      ->required()
      ->check(not_empty())
      ->type_name("DIR|MODEL");
  add_split_options(app, options->split);
  app.add_option("--schedule", options->verify.schedule, "Pipeline schedule")
      ->capture_default_str();
  app.add_option(
         "--microbatches", options->verify.microbatches, "How many to run")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_flag("--forward-only", options->verify.forward_only, "Outputs alone");
  auto* tolerance = app.add_option(
      "--tolerance", options->verify.tolerance, "Largest relative error");
  tolerance->check(CLI::NonNegativeNumber)->capture_default_str();
  app.add_flag("--exact", options->verify.exact, "Every bit must be equal")
      ->excludes(tolerance);
  app.add_option("--log", options->log, "Log level: pp, +pp, -pp")
      ->check(not_empty());
  return [options, with] {
    options->verify.split = to_split_spec(options->split);
    options->verify.inputs = parse_input_hints(options->split.inputs);
    if (is_stage_directory(options->verify.path) &&
        (!options->split.at.empty() || options->split.stages > 0 ||
         options->split.markers)) {
      throw usage_error(
          options->verify.path +
          " is already split; --at, --stages and --markers go with a model");
    }
    const EndOnSignal end_on_signal({}, {verify_scratch_file()});
    options->verify.log = make_log(options->log, with);
    const VerifyReport report = verify(options->verify);
    print(report.text(options->verify.tolerance));
    return report.passed ? 0 : static_cast<int>(ErrorKind::Verify);
  };
}

}  // namespace pp::cli
