#include <filesystem>
#include <span>
#include <string>

#include "cli/command.h"
#include "cli/console.h"
#include "loader/core/text.h"
#include "runtime/run/init_job.h"
#include "runtime/run/job_paths.h"

namespace pp::cli {

namespace {

struct Options {
  InitOptions init;
  std::string model;
  std::string job = "job.toml";
  bool train = false;
  bool infer = false;
  bool finetune = false;
  TrustOptions trust;
};

SandboxRules paths_of(const InitOptions& init) {
  SandboxRules rules{.reads = {init.model}};
  std::vector<std::string> files = init.data;
  files.push_back(init.target);
  for (const std::string& file : files) {
    for (const std::string& path : {file, file.substr(file.find('=') + 1)}) {
      if (!path.empty()) {
        rules.reads.push_back(place_of(path));
      }
    }
  }
  rules.writes.push_back(std::filesystem::absolute(init.job).parent_path());
  return rules;
}

int run_init(Options& options, const Invocation& with) {
  InitOptions& init = options.init;
  init.model = options.model;
  init.job = options.job;
  init.kind = options.infer      ? FirstJobKind::Infer
              : options.finetune ? FirstJobKind::Finetune
                                 : FirstJobKind::Train;
  init.trust = to_trust(options.trust);
  init.command = "pp " + join(std::span(with.argv).subspan(1), " ");
  check_no_job(init);
  enter_sandbox(options.trust, paths_of(init), {});
  const InitResult result = init_job(init);
  write_first_job(init, result);
  print("wrote " + options.job + ": " + result.summary);
  print("run it: pp run " + options.job + "\n");
  return 0;
}

}  // namespace

std::function<int()> setup_init(CLI::App& app, const Invocation& with) {
  auto options = std::make_shared<Options>();
  app.add_option("model", options->model, "Saved model or stage directory")
      ->required()
      ->check(not_empty())
      ->type_name("MODEL|STAGES");
  app.add_option("-o,--output", options->job, "Job file to write")
      ->check(not_empty())
      ->type_name("JOB.toml")
      ->capture_default_str();
  auto* train = app.add_flag("--train", options->train, "Train (the default)");
  auto* infer = app.add_flag("--infer", options->infer, "Only infer");
  app.add_flag(
         "--finetune", options->finetune, "Train with a low learning rate")
      ->excludes(train)
      ->excludes(infer);
  infer->excludes(train);
  app.add_option("--stages", options->init.stages, "Cut into N balanced stages")
      ->type_name("N")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option(
         "--data", options->init.data, "Data of an input; repeat for others")
      ->type_name("[NAME=]FILE")
      ->check(not_empty())
      ->allow_extra_args(false);
  app.add_option("--target", options->init.target, "Data of the target")
      ->type_name("FILE")
      ->check(not_empty());
  add_input_option(app, options->init.inputs);
  add_trust_options(app, options->trust);
  return [options, with] { return run_init(*options, with); };
}

}  // namespace pp::cli
