#include "cli/command.h"
#include "cli/console.h"
#include "cli/interrupt.h"
#include "loader/archive/checkpoint_folder.h"
#include "loader/model_loader.h"
#include "runtime/job/job.h"
#include "splitter/files/artifact.h"
#include "splitter/files/merge_target.h"

namespace pp::cli {
namespace {

void report(
    const std::string& output, const std::vector<std::string>& lost_guards) {
  print("wrote " + output + "\n");
  for (const std::string& guard : lost_guards) {
    print(
        "note: the stages require " + guard +
        "; the merged file can't check this\n");
  }
}

}  // namespace

std::function<int()> setup_merge(CLI::App& app, const Invocation&) {
  struct Options {
    std::string directory;
    std::string checkpoint;
    bool averages = false;
    std::string output;
    bool force = false;
    TrustOptions trust;
  };
  auto options = std::make_shared<Options>();
  app.add_option("stages", options->directory, "Stage directory")
      ->required()
      ->check(not_empty())
      ->type_name("DIR");
  auto* from_checkpoint =
      app.add_option(
             "--checkpoint",
             options->checkpoint,
             "Weights: a checkpoint, a run's folder or 'latest'")
          ->type_name("CKPT|RUN")
          ->check(not_empty());
  app.add_flag(
         "--ema",
         options->averages,
         "Use the checkpoint's moving averages of the weights (train.ema)")
      ->needs(from_checkpoint);
  app.add_option(
         "-o,--output", options->output, "Model or .safetensors file to write")
      ->required()
      ->check(not_empty())
      ->type_name("MODEL");
  app.add_flag(
      "--force", options->force, "Overwrite a file that is not a model");
  add_trust_options(app, options->trust);
  return [options] {
    const ModelFormat format = read_manifest(options->directory).format;
    check_merge_target(options->output, format, options->force);
    std::optional<std::filesystem::path> checkpoint;
    if (!options->checkpoint.empty()) {
      checkpoint = checkpoint_in(
          named_checkpoint(options->checkpoint, options->directory));
    }
    const EndOnSignal end_on_signal({options->output});
    SandboxRules rules{
        .reads = {options->directory},
        .writes = {std::filesystem::absolute(options->output).parent_path()}};
    if (checkpoint) {
      rules.reads.push_back(*checkpoint);
    }
    enter_sandbox(options->trust, rules, {});
    const std::vector<std::string> lost_guards = merge(
        options->directory,
        checkpoint,
        options->output,
        model_formats(to_trust(options->trust)),
        options->averages ? CheckpointWeights::Averages
                          : CheckpointWeights::Parameters);
    report(options->output, lost_guards);
    return 0;
  };
}

}  // namespace pp::cli
