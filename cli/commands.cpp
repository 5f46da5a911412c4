#include "cli/command.h"
#include "loader/core/error.h"
#include "loader/core/log_spec.h"

namespace pp::cli {

const std::vector<CommandEntry>& commands() {
  static const std::vector<CommandEntry> kCommands = {
      {"inspect",
       "Show a model and its legal cuts, or stages",
       "pp inspect gpt2.pt2 --depth 2",
       setup_inspect},
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
       "Make one model file of stages or of a checkpoint",
       "pp merge stages --checkpoint runs/x/checkpoints/step_9 -o new.pt2",
       setup_merge},
      {"schedule",
       "Show a pipeline schedule",
       "pp schedule 1F1B --ranks 4 --microbatches 8",
       setup_schedule},
  };
  return kCommands;
}

CLI::Validator not_empty() {
  return {
      [](std::string& name) {
        return std::string(name.empty() ? "a name is needed, not ''" : "");
      },
      ""};
}

Log make_log(const std::string& spec, const Invocation& with) {
  if (!spec.empty()) {
    const std::optional<LogLevel> level = try_parse_log_level(spec);
    if (!level) {
      throw usage_error("--log " + spec + ": write pp, +pp or -pp");
    }
    return Log(*level);
  }
  const char* torch_logs = with.getenv("TORCH_LOGS");
  return Log(parse_log_level(torch_logs == nullptr ? "" : torch_logs));
}

void add_input_option(CLI::App& app, std::vector<std::string>& inputs) {
  app.add_option(
         "--input", inputs, "An input of a scripted model: x=4x32:float32")
      ->type_name("NAME=SIZES[:TYPE]")
      ->allow_extra_args(false);
}

void add_split_options(CLI::App& app, SplitOptions& options) {
  add_input_option(app, options.inputs);
  auto* at = app.add_option(
      "--at", options.at, "Cut before a module, with ':end' behind it");
  at->type_name("FQN[:end]")->delimiter(',');
  auto* stages = app.add_option(
      "--stages", options.stages, "Cut into so many balanced stages");
  stages->type_name("N")->check(CLI::Range(1, 1 << 20))->excludes(at);
  app.add_option("--balance", options.balance, "What to balance")
      ->check(CLI::IsMember({"params", "flops", "time", "memory"}))
      ->capture_default_str();
  app.add_option(
         "--memory", options.memory, "Bytes that a stage may hold, as in 4GB")
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
  app.add_option(
         "--tied", options.tied, "How stages share a parameter of several")
      ->check(CLI::IsMember({"replicate", "transmit"}))
      ->capture_default_str();
}

}  // namespace pp::cli
