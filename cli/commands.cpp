#include "cli/command.h"
#include "loader/core/error.h"
#include "loader/core/log_spec.h"
#include "splitter/cut/split_spec.h"

namespace pp::cli {

namespace {

const std::vector<CommandEntry> kCommands = {
    {"inspect",
     "Show a model's modules and cuts, or its stages",
     "pp inspect gpt2.pt2 --depth 2",
     setup_inspect},
    {"export",
     "Export a model folder of transformers",
     "pp export gpt2 -o gpt2.pt2",
     setup_export},
    {"init",
     "Write a first job file for a model",
     "pp init gpt2.pt2 --stages 2 --data tokens.npy",
     setup_init},
    {"split",
     "Cut a saved model into stages",
     "pp split gpt2.pt2 -o stages --at transformer.h.2",
     setup_split},
    {"run",
     "Train, evaluate or infer with a pipeline",
     "pp run job.toml --schedule GPipe --set train.steps=20",
     setup_run},
    {"verify",
     "Compare a pipeline with the unsplit model",
     "pp verify stages --schedule 1F1B --microbatches 4",
     setup_verify},
    {"merge",
     "Merge stages or a checkpoint into one model file",
     "pp merge stages --checkpoint runs/x/checkpoints/step_9 -o new.pt2",
     setup_merge},
    {"schedule",
     "Show a pipeline schedule",
     "pp schedule 1F1B --ranks 4 --microbatches 8",
     setup_schedule},
};

}  // namespace

const std::vector<CommandEntry>& commands() {
  return kCommands;
}

CLI::Validator not_empty() {
  return {
      [](std::string& name) {
        return std::string(name.empty() ? "the name must not be empty" : "");
      },
      ""};
}

Log make_log(const std::string& spec, const Invocation& with) {
  if (!spec.empty()) {
    const std::optional<LogLevel> level = try_parse_log_level(spec);
    if (!level) {
      throw usage_error("--log " + spec + ": expected pp, +pp or -pp");
    }
    return Log(*level);
  }
  const char* torch_logs = with.getenv("TORCH_LOGS");
  return Log(parse_log_level(torch_logs == nullptr ? "" : torch_logs));
}

void add_input_option(CLI::App& app, std::vector<std::string>& inputs) {
  app.add_option(
         "--input", inputs, "Shape of a TorchScript input, e.g. x=4x32:float32")
      ->type_name("NAME=SIZES[:TYPE]")
      ->allow_extra_args(false);
}

void add_trust_options(CLI::App& app, TrustOptions& options) {
  app.add_option(
         "--allow-operator",
         options.allow,
         "Allow an operator that is refused by default")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_flag(
      "--trust-script",
      options.script,
      "Let a TorchScript file run code while it is loaded");
  app.add_flag(
      "--no-sandbox",
      options.no_sandbox,
      "Don't restrict which files pp may open");
}

void enter_sandbox(
    const TrustOptions& options, const SandboxRules& rules, const Log& log) {
  if (options.no_sandbox) {
    return;
  }
  if (const std::string missing = pp::enter_sandbox(rules); !missing.empty()) {
    log.debug("pp runs without a sandbox: " + missing);
  }
}

Trust to_trust(const TrustOptions& options) {
  return {AllowedOperators(options.allow), options.script};
}

void add_split_options(CLI::App& app, SplitOptions& options) {
  add_input_option(app, options.inputs);
  add_trust_options(app, options.trust);
  auto* at = app.add_option(
      "--at", options.at, "Cut before a module; append ':end' to cut after it");
  at->type_name("FQN[:end]")->delimiter(',');
  auto* stages =
      app.add_option("--stages", options.stages, "Cut into N balanced stages");
  stages->type_name("N")->check(CLI::Range(1, 1 << 20))->excludes(at);
  app.add_option("--balance", options.balance, "Quantity to balance")
      ->check(CLI::IsMember(enum_words<Balance>()))
      ->capture_default_str();
  app.add_option(
         "--memory",
         options.memory,
         "Memory limit of a stage in bytes, e.g. 4GB")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(false))
      ->needs(stages);
  app.add_flag(
         "--markers", options.markers, "Cut where the model calls pipe_split()")
      ->excludes(at)
      ->excludes(stages);
  app.add_flag(
      "--no-remat",
      options.no_remat,
      "Send masks and tables instead of recomputing them");
  app.add_option("--tied", options.tied, "How stages share a tied parameter")
      ->check(CLI::IsMember(enum_words<TiedParameters>()))
      ->capture_default_str();
}

}  // namespace pp::cli
