#include "runtime/run/verify.h"

#include <filesystem>

#include "cli/command.h"
#include "cli/console.h"
#include "cli/interrupt.h"
#include "cli/split_options.h"
#include "loader/core/error.h"
#include "splitter/files/artifact.h"

namespace pp::cli {

namespace {

CLI::Validator zero_or_more() {
  return {
      [](std::string& text) {
        double number = 0;
        const bool fits =
            CLI::detail::lexical_cast(text, number) && number >= 0;
        return fits ? std::string()
                    : "'" + text + "' is not a number of 0 or more";
      },
      "NUMBER"};
}

struct Options {
  VerifyOptions verify;
  SplitOptions split;
  std::string log;
};

void declare_options(CLI::App& app, Options& options) {
  app.add_option("path", options.verify.path, "Stage directory or saved model")
      ->required()
      ->check(not_empty())
      ->type_name("DIR|MODEL");
  add_split_options(app, options.split);
  app.add_option("--schedule", options.verify.schedule, "Pipeline schedule")
      ->capture_default_str();
  app.add_option(
         "--microbatches",
         options.verify.microbatches,
         "Number of microbatches to run")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_flag(
      "--forward-only", options.verify.forward_only, "Compare outputs only");
  auto* tolerance = app.add_option(
      "--tolerance",
      options.verify.tolerance,
      "Largest relative error allowed");
  tolerance->check(zero_or_more())->capture_default_str();
  app.add_flag("--exact", options.verify.exact, "Require bitwise equal results")
      ->excludes(tolerance);
  app.add_option(
         "--log",
         options.log,
         "Log level: pp (info), +pp (debug), -pp (errors)")
      ->check(not_empty());
}

/// Refuses a model of one stage, which would be compared with itself, and cuts
/// for a model that is already split.
void check_cut(const std::string& path, const SplitOptions& split) {
  const bool has_cut = !split.at.empty() || split.stages > 1 || split.markers;
  const bool is_split = is_stage_directory(path);
  if (is_split && (has_cut || split.stages > 0)) {
    throw usage_error(
        path + " is already split; leave out --at, --stages and --markers");
  }
  if (is_split && read_manifest(path).stages.size() == 1) {
    throw usage_error(
        "no cut given: " + path +
        " has one stage, which would be compared with itself; split the model "
        "again with --at FQN, --stages N or --markers");
  }
  if (std::filesystem::is_regular_file(path) && !has_cut) {
    throw usage_error(
        "no cut given: " + path +
        " would be compared with itself; use --at FQN, --stages N or "
        "--markers; 'pp inspect " +
        path + "' lists the legal cuts");
  }
}

int run_verify(Options& options, const Invocation& with) {
  options.verify.split = to_split_spec(options.split);
  options.verify.inputs = parse_input_hints(options.split.inputs);
  options.verify.trust = to_trust(options.split.trust);
  check_cut(options.verify.path, options.split);
  const EndOnSignal end_on_signal({}, {verify_scratch_file()});
  options.verify.log = make_log(options.log, with);
  enter_sandbox(
      options.split.trust,
      {.reads = {options.verify.path},
       .writes = {verify_scratch_file().parent_path()}},
      options.verify.log);
  const VerifyReport report = verify(options.verify);
  print(report.text());
  return report.passed ? 0 : static_cast<int>(ErrorKind::Verify);
}

}  // namespace

std::function<int()> setup_verify(CLI::App& app, const Invocation& with) {
  auto options = std::make_shared<Options>();
  declare_options(app, *options);
  return [options, with] { return run_verify(*options, with); };
}

}  // namespace pp::cli
