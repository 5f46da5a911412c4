#include <algorithm>
#include <filesystem>

#include "cli/command.h"
#include "cli/console.h"
#include "cli/interrupt.h"
#include "loader/archive/checkpoint_folder.h"
#include "loader/archive/leftovers.h"
#include "loader/model_loader.h"
#include "runtime/job/job.h"
#include "splitter/files/artifact.h"
#include "splitter/files/merge_folder.h"
#include "splitter/files/merge_target.h"

namespace pp::cli {
namespace {

struct Options {
  std::string directory;
  std::string checkpoint;
  bool averages = false;
  std::string output;
  std::string hf;
  std::string dtype;
  uint64_t shard_bytes = kDefaultShardBytes;
  bool force = false;
  TrustOptions trust;
};

ModelFolderOptions folder_options(const Options& options) {
  ModelFolderOptions out{
      .source = options.hf, .dtype = {}, .shard_bytes = options.shard_bytes};
  const auto type =
      std::ranges::find(kFolderTypes, options.dtype, &FolderType::word);
  if (type != kFolderTypes.end()) {
    out.dtype = type->type;
  }
  return out;
}

void check_target(const Options& options, ModelFormat format) {
  if (options.hf.empty()) {
    check_merge_target(options.output, format, options.force);
  } else {
    check_model_folder(options.output, options.hf, options.force);
  }
}

SandboxRules paths_of(
    const Options& options,
    const std::optional<std::filesystem::path>& checkpoint) {
  SandboxRules rules{
      .reads = {options.directory},
      .writes = {output_path(options.output).parent_path()}};
  if (checkpoint) {
    rules.reads.push_back(*checkpoint);
  }
  if (!options.hf.empty()) {
    rules.reads.push_back(options.hf);
  }
  return rules;
}

int run_merge(const Options& options) {
  check_target(options, read_manifest(options.directory).format);
  std::optional<std::filesystem::path> checkpoint;
  if (!options.checkpoint.empty()) {
    checkpoint =
        checkpoint_in(named_checkpoint(options.checkpoint, options.directory));
  }
  const EndOnSignal end_on_signal({options.output});
  enter_sandbox(options.trust, paths_of(options, checkpoint), {});
  const ModelFormats formats = model_formats(to_trust(options.trust));
  const CheckpointWeights which = options.averages
                                      ? CheckpointWeights::Averages
                                      : CheckpointWeights::Parameters;
  std::vector<std::string> lost_guards;
  if (options.hf.empty()) {
    lost_guards =
        merge(options.directory, checkpoint, options.output, formats, which);
  } else {
    merge_to_folder(
        options.directory,
        checkpoint,
        options.output,
        folder_options(options),
        formats,
        which);
  }
  print("wrote " + options.output + "\n");
  for (const std::string& guard : lost_guards) {
    print(
        "note: the stages require " + guard +
        "; the merged file can't check this\n");
  }
  return 0;
}

void add_folder_options(CLI::App& app, Options& options) {
  auto* hf = app.add_option(
                    "--hf",
                    options.hf,
                    "Write a folder for transformers like this one")
                 ->check(not_empty())
                 ->type_name("DIR");
  std::vector<std::string> words;
  for (const FolderType& type : kFolderTypes) {
    words.emplace_back(type.word);
  }
  app.add_option("--dtype", options.dtype, "Type of the folder's weights")
      ->check(CLI::IsMember(words))
      ->needs(hf);
  app.add_option(
         "--shard-size",
         options.shard_bytes,
         "Largest file in the folder; default 5GB")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(true))
      ->check(CLI::PositiveNumber)
      ->needs(hf);
}

}  // namespace

std::function<int()> setup_merge(CLI::App& app, const Invocation&) {
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
         "--ema", options->averages, "Use the moving averages of the weights")
      ->needs(from_checkpoint);
  app.add_option(
         "-o,--output",
         options->output,
         "Model, .safetensors file, or folder with --hf")
      ->required()
      ->check(not_empty())
      ->type_name("MODEL");
  add_folder_options(app, *options);
  app.add_flag(
      "--force", options->force, "Overwrite what pp merge did not write");
  add_trust_options(app, options->trust);
  return [options] { return run_merge(*options); };
}

}  // namespace pp::cli
